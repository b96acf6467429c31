//! The memory of a production target over a soak: one point a window, thinned out as the soak gets longer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::rollout::Rollout;
use crate::core::{Judgement, Verdict};
use crate::evidence::{TrendLimits, judge_memory_trend};
use crate::steps::watch::under_load::limits as host_limits;

/// The maximum number of points. Beyond it every second one is dropped.
const MAX_POINTS: usize = 20;
/// The unit of a point, in bytes: a tenth of a mebibyte.
const POINT_BYTES: u64 = (1 << 20) / 10;
/// The longest time that the caches of a release take to fill.
const MAX_WARM_UP: Duration = Duration::from_secs(30 * 60);
/// The longest time before memory is judged. It is judged after a quarter of the soak, but not before `leak.minimum_time`, and
/// after this time at the latest: users come by the hour.
const MAX_MINIMUM_TIME: Duration = Duration::from_secs(6 * 3_600);
/// Headroom that lasts no longer than this is a reason to roll back.
const URGENT_HEADROOM: Duration = Duration::from_secs(4 * 3_600);

/// Points of a series.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryPoints {
    /// How many there were.
    seen: u64,
    /// Every so many are kept, as a power of two.
    thinned: u32,
    /// Seconds since the soak began, and tenths of a mebibyte.
    points: Vec<(u64, u64)>,
}

impl MemoryPoints {
    /// One more: how much master and workers held together, so many seconds after the soak began.
    pub fn add(&mut self, second: u64, bytes: u64) {
        if self.seen.is_multiple_of(1 << self.thinned.min(60)) {
            self.points.push((second, bytes / POINT_BYTES));
        }
        self.seen += 1;
        if self.points.len() > MAX_POINTS {
            self.thinned += 1;
            let mut keep = false;
            self.points.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// Judges, when there was enough time. `available` is the memory that the host has left now, in bytes.
    pub fn judge(&self, rollout: &Rollout, available: u64, is_young: bool) -> Option<Judgement> {
        let judgement = judge_memory_trend(&self.series(), &limits(rollout, available))?;
        // In the first half of the soak there is time for more points.
        let waits = is_young && judgement.verdict == Verdict::Inconclusive;
        Some(if waits { judgement.at_worst(Verdict::Pass) } else { judgement })
    }

    fn series(&self) -> Vec<(Duration, u64)> {
        // The first points are those of a process that has just begun.
        let first = self.points.first().map_or(0, |(second, _)| *second);
        self.points.iter().map(|(second, size)| (Duration::from_secs(second - first), size * POINT_BYTES)).collect()
    }
}

fn limits(rollout: &Rollout, available: u64) -> TrendLimits {
    let (leak, soak) = (&rollout.leak, rollout.soak.duration.get());
    let left = available.saturating_sub(host_limits(rollout).hold.available_bytes);
    let horizon = leak.horizon.get();
    TrendLimits {
        warm_up: (soak / 16).clamp(leak.warm_up.get().min(MAX_WARM_UP), MAX_WARM_UP),
        minimum_time: (soak / 4).clamp(leak.minimum_time.get().min(MAX_MINIMUM_TIME), MAX_MINIMUM_TIME),
        headroom_bytes: leak.headroom_mib.map_or(left, |mib| u64::from(mib) << 20),
        horizon,
        urgent: URGENT_HEADROOM.min(horizon),
        confidence: 0.95,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_judged_after_a_quarter_of_the_soak_within_bounds() {
        let mut rollout: Rollout = serde_yaml::from_str(include_str!("../../../rollout.yaml")).expect("rollout.yaml");
        rollout.leak.minimum_time = Duration::from_secs(600).into();
        let mut after = |hours: u64| {
            rollout.soak.duration = Duration::from_secs(hours * 3_600).into();
            limits(&rollout, 1 << 30).minimum_time.as_secs()
        };
        assert_eq!([after(0), after(1), after(24), after(240)], [600, 900, 6 * 3_600, 6 * 3_600]);
    }

    #[test]
    fn a_day_is_thinned_out_evenly() {
        let mut points = MemoryPoints::default();
        for window in 0..1_440 {
            points.add(window * 60, (500 << 20) + window * POINT_BYTES);
        }
        let series = points.series();
        assert!(series.len() > MAX_POINTS / 2 && series.len() <= MAX_POINTS, "{}", series.len());
        let steps: Vec<u64> = series.windows(2).map(|pair| pair[1].0.as_secs() - pair[0].0.as_secs()).collect();
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
        assert!(series.last().is_some_and(|(at, _)| at.as_secs() > 79_000), "{series:?}");
    }
}
