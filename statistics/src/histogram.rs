//! Latencies, counted in buckets that are at most 0.1 % wide: small enough to keep, to add up and to write down.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::latency::LatencySummary;
use crate::sample::Sample;

/// Significant decimal digits of a value.
const DIGITS: u8 = 3;

/// Anything slower is counted as this.
const SLOWEST: Duration = Duration::from_secs(3_600);

/// A histogram of latencies, in microseconds, after Gil Tene's HdrHistogram (<http://hdrhistogram.org>). As evidence it
/// is written as its values and counts, in ascending order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Recorded", into = "Recorded")]
pub struct LatencyHistogram {
    /// Absent while nothing was recorded: most histograms of a short run stay empty.
    counts: Option<Histogram<u64>>,
}

/// The form in which a histogram is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recorded {
    unit: Unit,
    digits: u8,
    /// Pairs of a value and how often it was seen.
    #[serde(rename = "recorded")]
    counts: Vec<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Unit {
    #[serde(rename = "us")]
    Microseconds,
}

/// A histogram that was written down cannot be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a latency histogram: {0}")]
pub struct NotAHistogram(String);

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty one.
    pub fn new() -> Self {
        Self { counts: None }
    }

    /// Counts one latency; less than a microsecond is a microsecond, more than an hour an hour.
    pub fn record(&mut self, latency: Duration) {
        self.add(in_range(latency), 1);
    }

    fn add(&mut self, microseconds: u64, times: u64) {
        if self.counts.is_none() {
            // Fails only for more than five digits.
            self.counts = Histogram::new(DIGITS).ok();
        }
        if let Some(counts) = &mut self.counts {
            // Cannot fail: the range grows as needed, and `in_range` keeps it small.
            let _ = counts.record_n(microseconds, times);
        }
    }

    /// Adds all that another one has counted.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.counts, &other.counts) {
            (Some(mine), Some(theirs)) => {
                let _ = mine.add(theirs);
            }
            (empty @ None, Some(_)) => *empty = other.counts.clone(),
            (_, None) => {}
        }
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        if let Some(counts) = &mut self.counts {
            counts.reset();
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.as_ref().map_or(0, Histogram::len)
    }

    /// The latency that `percent` (0 to 100) of all did not exceed. `None` when nothing was counted.
    pub fn percentile(&self, percent: f64) -> Option<Duration> {
        let counts = self.counts.as_ref().filter(|counts| !counts.is_empty())?;
        Some(Duration::from_micros(counts.value_at_quantile((percent / 100.0).clamp(0.0, 1.0))))
    }

    /// The usual percentiles. `None` when nothing was counted.
    pub fn summary(&self) -> Option<LatencySummary> {
        Some(LatencySummary {
            samples: usize::try_from(self.count()).unwrap_or(usize::MAX),
            p50: self.percentile(50.0)?,
            p95: self.percentile(95.0)?,
            p99: self.percentile(99.0)?,
            max: self.percentile(100.0)?,
        })
    }

    /// The counted values, in microseconds, with how often each was seen.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.counts
            .iter()
            .flat_map(Histogram::iter_recorded)
            .map(|entry| (entry.value_iterated_to(), entry.count_at_value()))
    }

    /// What was counted, in milliseconds, for the rank statistics. Values of the same bucket are ties.
    pub fn sample(&self) -> Sample {
        let middle = |value| self.counts.as_ref().map_or(value, |counts| counts.median_equivalent(value));
        let counted = self.recorded().map(|(value, count)| (middle(value) as f64 / 1_000.0, count));
        // Whole numbers are finite.
        Sample::counted(counted).unwrap_or_else(|_| Sample::default())
    }
}

fn in_range(latency: Duration) -> u64 {
    u64::try_from(latency.clamp(Duration::from_micros(1), SLOWEST).as_micros()).unwrap_or(u64::MAX)
}

impl From<LatencyHistogram> for Recorded {
    fn from(histogram: LatencyHistogram) -> Self {
        Self { unit: Unit::Microseconds, digits: DIGITS, counts: histogram.recorded().collect() }
    }
}

impl TryFrom<Recorded> for LatencyHistogram {
    type Error = NotAHistogram;

    fn try_from(kept: Recorded) -> Result<Self, NotAHistogram> {
        if kept.digits != DIGITS {
            return Err(NotAHistogram(format!("{} digits, not {DIGITS}", kept.digits)));
        }
        let mut histogram = Self::new();
        let mut before = 0;
        for (value, count) in kept.counts {
            // The bucket of the longest latency ends a little above an hour.
            if value <= before || count == 0 || value > 2 * in_range(SLOWEST) {
                return Err(NotAHistogram(format!("the value {value} with the count {count}")));
            }
            before = value;
            histogram.add(value, count);
        }
        Ok(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(milliseconds: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        milliseconds.into_iter().for_each(|value| histogram.record(Duration::from_millis(value)));
        histogram
    }

    #[test]
    fn percentiles_are_within_a_thousandth() {
        let histogram = of(1..=10_000);
        for (percent, expected) in [(50.0, 5_000.0), (95.0, 9_500.0), (99.0, 9_900.0), (100.0, 10_000.0)] {
            let found = histogram.percentile(percent).unwrap().as_secs_f64() * 1_000.0;
            assert!((found / expected - 1.0).abs() < 0.001, "p{percent}: {found}");
        }
        assert_eq!(LatencyHistogram::new().percentile(50.0), None);
        assert_eq!(LatencyHistogram::new().summary(), None);
    }

    #[test]
    fn extremes_are_counted() {
        let mut histogram = LatencyHistogram::new();
        histogram.record(Duration::ZERO);
        histogram.record(Duration::MAX);
        assert_eq!(histogram.count(), 2);
        assert_eq!(histogram.percentile(0.0), Some(Duration::from_micros(1)));
    }

    #[test]
    fn merging_is_counting_both() {
        let mut first = of(1..=500);
        first.merge(&of(501..=1_000));
        assert_eq!(first, of(1..=1_000));
        let mut empty = LatencyHistogram::new();
        empty.merge(&first);
        empty.merge(&LatencyHistogram::new());
        assert_eq!(empty, first);
        empty.clear();
        assert_eq!(empty.count(), 0);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let histogram = of([1, 2, 2, 3_600_000, 900_000]);
        let text = serde_json::to_string(&histogram).unwrap();
        assert!(text.starts_with(r#"{"unit":"us","digits":3,"recorded":[["#), "{text}");
        let back: LatencyHistogram = serde_json::from_str(&text).unwrap();
        assert_eq!(back.recorded().collect::<Vec<_>>(), histogram.recorded().collect::<Vec<_>>());
        assert_eq!(back.sample(), histogram.sample());
    }

    #[test]
    fn what_was_not_written_by_us_is_refused() {
        for text in [
            r#"{"unit":"ms","digits":3,"recorded":[]}"#,
            r#"{"unit":"us","digits":2,"recorded":[]}"#,
            r#"{"unit":"us","digits":3,"recorded":[[5,1],[5,1]]}"#,
            r#"{"unit":"us","digits":3,"recorded":[[5,0]]}"#,
            r#"{"unit":"us","digits":3,"recorded":[[18446744073709551615,1]]}"#,
        ] {
            assert!(serde_json::from_str::<LatencyHistogram>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_sample_keeps_counts_and_order() {
        let sample = of([5, 1, 5, 9]).sample();
        assert_eq!(sample.up_to(), [1, 3, 4]);
        assert!((sample.values()[1] - 5.0).abs() < 0.005);
    }
}
