//! The moments at which a user's journeys are due, drawn before anything is sent.

use std::time::Duration;

use crate::ports::{LoadPlan, Schedule};

/// One user's moments, ascending, from the beginning of the load.
#[derive(Debug)]
pub(super) struct Moments {
    random: fastrand::Rng,
    /// Seconds between two, on average.
    gap: f64,
    next: f64,
    end: f64,
}

impl Moments {
    /// The moments of the user at `position` (from 0). `None` when journeys follow one another.
    pub fn of(plan: &LoadPlan, position: u32) -> Option<Self> {
        let Schedule::Open { journeys_per_second } = plan.schedule else { return None };
        // Many independent users, each at random moments of an even rate, are together the same at the sum of the rates.
        let gap = f64::from(plan.users.max(1)) / journeys_per_second.max(1e-9);
        let random = fastrand::Rng::with_seed(mix(plan.seed, position, 1));
        let end = plan.duration.as_secs_f64();
        Some(Self { random, gap, next: arrival(plan, position).as_secs_f64(), end })
    }
}

impl Iterator for Moments {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // The inverse of the exponential distribution; 1 - u is never 0.
        self.next -= self.gap * (1.0 - self.random.f64()).ln();
        (self.next < self.end).then(|| Duration::from_secs_f64(self.next))
    }
}

/// When a user arrives.
pub(super) fn arrival(plan: &LoadPlan, position: u32) -> Duration {
    plan.ramp.mul_f64(f64::from(position) / f64::from(plan.users.max(1)))
}

/// A seed of its own for each user and use (SplitMix64's finisher).
pub(super) fn mix(seed: u64, position: u32, purpose: u64) -> u64 {
    let mut mixed = seed ^ (u64::from(position) << 8 | purpose).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(plan: &LoadPlan) -> Vec<Duration> {
        (0..plan.users).flat_map(|user| Moments::of(plan, user).unwrap()).collect()
    }

    #[test]
    fn the_rate_is_that_of_the_plan_and_the_moments_those_of_the_seed() {
        let plan = LoadPlan::open(50, 200.0, Duration::from_secs(100));
        let moments = all(&plan);
        // 20,000 expected; the standard deviation of a Poisson count is its root.
        assert!((i64::try_from(moments.len()).unwrap() - 20_000).abs() < 5 * 142, "{}", moments.len());
        assert_eq!(moments, all(&plan));
        assert_ne!(moments, all(&LoadPlan { seed: 2, ..plan.clone() }));
        assert!(moments.iter().all(|moment| *moment < plan.duration));
    }

    #[test]
    fn users_arrive_over_the_ramp() {
        let plan = LoadPlan { ramp: Duration::from_secs(10), ..LoadPlan::open(5, 50.0, Duration::from_secs(60)) };
        for user in 0..5 {
            let first = Moments::of(&plan, user).unwrap().next().unwrap();
            assert!(first >= Duration::from_secs(2 * u64::from(user)));
        }
        assert!(Moments::of(&LoadPlan::closed(5, plan.duration), 0).is_none());
    }
}
