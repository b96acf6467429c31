//! Does the memory of a service grow over hours? From one number a look: how fast, how sure that is, and how long the
//! headroom lasts.
//!
//! [`super::judge_leak`] asks the same of a test under load, where every worker is seen for all the time once a second. A
//! soak keeps a few dozen numbers of a day, and the sum over the workers is what the host has to hold.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use statistics::{Interval, theil_sen_in_time};

use super::growth::{hours, of_rate};
use super::size::{bytes, bytes_per_hour, span};
use crate::core::{Judgement, Subject, Verdict};

/// Fewer points are not judged, whatever the time between them.
const FEWEST: usize = 8;

/// What is no leak, and how much must be seen before anything is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrendLimits {
    /// What is sooner does not count: caches that fill are no leak.
    pub warm_up: Duration,
    /// How long must have been watched after that.
    pub minimum_time: Duration,
    /// How much all workers together may still grow, in bytes.
    pub headroom_bytes: u64,
    /// How long that has to last. Less is Hold.
    pub horizon: Duration,
    /// A headroom that lasts no longer than this is reason to go back: Abort.
    pub urgent: Duration,
    /// How sure to be of each bound: 0.95.
    pub confidence: f64,
}

/// Judges moments and bytes, in the order of time. `None` while too little was seen for a judgement.
pub fn judge_memory_trend(points: &[(Duration, u64)], limits: &TrendLimits) -> Option<Judgement> {
    let warm: Vec<(f64, f64)> = points
        .iter()
        .filter(|(at, _)| *at >= limits.warm_up)
        .map(|(at, bytes)| (at.as_secs_f64() / 3_600.0, *bytes as f64))
        .collect();
    let (first, last) = warm.first().zip(warm.last())?;
    if warm.len() < FEWEST || (last.0 - first.0) * 3_600.0 < limits.minimum_time.as_secs_f64() {
        return None;
    }
    let slope = theil_sen_in_time(std::slice::from_ref(&warm), limits.confidence)?;
    let Some(interval) = slope.interval else {
        let words = format!("memory was seen at {} moments, too few to be sure of its growth", slope.points);
        return Some(Judgement::new(Subject::Memory, Verdict::Inconclusive, words));
    };
    let headroom = limits.headroom_bytes as f64;
    let limit = headroom / hours(limits.horizon);
    let verdict = of_rate(interval, limit, headroom / hours(limits.urgent));
    Some(Judgement::new(Subject::Memory, verdict, words(interval, limit, limits)))
}

fn words(interval: Interval, limit: f64, limits: &TrendLimits) -> String {
    let rate = bytes_per_hour(interval);
    if interval.high <= 0.0 {
        return format!("the workers' memory does not grow: {rate}");
    }
    let headroom = limits.headroom_bytes as f64;
    let lasts = |rate: f64| span(Duration::try_from_secs_f64(headroom / rate * 3_600.0).unwrap_or(Duration::MAX));
    let how_long = if interval.low > limit {
        format!("lasts {} at most", lasts(interval.low))
    } else if interval.high <= limit {
        format!("lasts {} at least", lasts(interval.high))
    } else {
        format!("may last only {}", lasts(interval.high))
    };
    let (part, needed) = (bytes(limits.headroom_bytes), span(limits.horizon));
    format!("the workers' memory grows by {rate}; the headroom of {part} {how_long}, and {needed} are needed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;
    const MIB: u64 = 1 << 20;

    fn limits() -> TrendLimits {
        TrendLimits {
            warm_up: Duration::from_secs(30 * MINUTE),
            minimum_time: Duration::from_secs(360 * MINUTE),
            headroom_bytes: 1_024 * MIB,
            horizon: Duration::from_secs(7 * 24 * 3_600),
            urgent: Duration::from_secs(4 * 3_600),
            confidence: 0.95,
        }
    }

    /// A day in so many points, growing by so much an hour after half an hour in which caches fill.
    fn day(points: u64, per_hour: u64, noise: u64) -> Vec<(Duration, u64)> {
        let mut random = fastrand::Rng::with_seed(points + per_hour);
        let at = |point: u64| {
            let seconds = point * 86_400 / points;
            let filled = 200 * MIB * seconds.min(1_800) / 1_800;
            let bytes = 600 * MIB + filled + per_hour * seconds / 3_600 + random.u64(..=noise);
            (Duration::from_secs(seconds), bytes)
        };
        (0..points).map(at).collect()
    }

    fn verdict(points: &[(Duration, u64)]) -> Option<Verdict> {
        judge_memory_trend(points, &limits()).map(|reason| reason.verdict)
    }

    #[test]
    fn caches_that_fill_are_no_leak_and_leaks_are_told_by_how_long_the_headroom_lasts() {
        assert_eq!(verdict(&day(24, 0, 4 * MIB)), Some(Verdict::Pass));
        assert_eq!(verdict(&day(24, 2 * MIB, 4 * MIB)), Some(Verdict::Pass), "a gibibyte lasts three weeks");
        assert_eq!(verdict(&day(24, 30 * MIB, 4 * MIB)), Some(Verdict::Hold));
        assert_eq!(verdict(&day(24, 400 * MIB, 4 * MIB)), Some(Verdict::Abort));
        let words = judge_memory_trend(&day(24, 30 * MIB, 4 * MIB), &limits()).unwrap().words;
        assert!(words.contains("the workers' memory grows by") && words.contains("168 h are needed"), "{words}");
    }

    #[test]
    fn nothing_is_said_too_soon_and_noise_is_not_known() {
        let day = day(24, 400 * MIB, 0);
        assert_eq!(verdict(&day[..6]), None, "six hours, the warm-up included");
        assert_eq!(verdict(&day[..9]), Some(Verdict::Abort));
        let hour: Vec<_> = day.iter().map(|(at, bytes)| (*at / 24, *bytes)).collect();
        assert_eq!(verdict(&hour), None);
        assert_eq!(verdict(&[]), None);
        assert_eq!(verdict(&super::tests::day(24, 6 * MIB, 400 * MIB)), Some(Verdict::Inconclusive));
    }
}
