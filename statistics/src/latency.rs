//! Percentiles of latencies, as exact order statistics: no buckets, no interpolation, so that a reported value is one
//! that was really measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The nearest-rank percentile of a sorted list: the smallest value such that at least `percent` of all values are not
/// greater. `None` for an empty list, or a percentage outside of 0 to 100.
pub fn percentile(sorted: &[Duration], percent: u32) -> Option<Duration> {
    if percent > 100 {
        return None;
    }
    let count = u64::try_from(sorted.len()).ok()?;
    // ceil(percent / 100 * count) in whole numbers: floating point would put p99 of 200 at rank 198.00000000000003.
    let rank = (u64::from(percent) * count).div_ceil(100).max(1);
    sorted.get(usize::try_from(rank - 1).ok()?).copied()
}

/// What a list of latencies says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// How many were measured.
    pub samples: usize,
    /// The median.
    pub p50: Duration,
    /// 95 of 100 were not slower.
    pub p95: Duration,
    /// 99 of 100 were not slower.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

impl LatencySummary {
    /// Summarises; `None` when nothing was measured.
    pub fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        Some(Self {
            samples: samples.len(),
            p50: percentile(&samples, 50)?,
            p95: percentile(&samples, 95)?,
            p99: percentile(&samples, 99)?,
            max: percentile(&samples, 100)?,
        })
    }

    /// The numbers, in milliseconds, for the record.
    pub fn to_json(&self) -> serde_json::Value {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        serde_json::json!({
            "samples": self.samples,
            "p50_ms": milliseconds(self.p50),
            "p95_ms": milliseconds(self.p95),
            "p99_ms": milliseconds(self.p99),
            "max_ms": milliseconds(self.max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upto(count: u64) -> Vec<Duration> {
        (1..=count).map(Duration::from_millis).collect()
    }

    #[test]
    fn is_the_nearest_rank() {
        let hundred = upto(100);
        assert_eq!(percentile(&hundred, 50), Some(Duration::from_millis(50)));
        assert_eq!(percentile(&hundred, 99), Some(Duration::from_millis(99)));
        assert_eq!(percentile(&upto(200), 99), Some(Duration::from_millis(198)));
        // The example of the definition: 15, 20, 35, 40, 50.
        let five: Vec<Duration> = [15, 20, 35, 40, 50].map(Duration::from_millis).to_vec();
        for (percent, value) in [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (100, 50)] {
            assert_eq!(percentile(&five, percent), Some(Duration::from_millis(value)), "p{percent}");
        }
    }

    #[test]
    fn has_no_answer_without_data() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&upto(3), 101), None);
        assert_eq!(LatencySummary::of(Vec::new()), None);
    }

    #[test]
    fn sorts_before_it_counts() {
        let mut backwards = upto(60);
        backwards.reverse();
        let summary = LatencySummary::of(backwards).unwrap();
        assert_eq!((summary.p50, summary.max), (Duration::from_millis(30), Duration::from_millis(60)));
    }
}
