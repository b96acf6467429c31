//! How fast a worker's memory grows, and what that says about the headroom.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use statistics::{Interval, Slope};

use super::leak::{LeakLimits, WorkerLife};
use super::size::{bytes, bytes_per_hour, span};
use crate::core::{Judgement, Subject, Verdict};

/// A life is looked at in so many pieces at most: what a second does is noise, and much alike the second before.
const BLOCKS: usize = 120;

/// Nobody waits for more than this many times what there is.
const FUTILE: f64 = 1_000.0;

/// The growth of one worker, or what several short lives have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// Whose.
    pub workers: Vec<WorkerLife>,
    /// How long they were watched after their warm-up, together.
    pub watched: Duration,
    /// Bytes an hour; `None` when there are no two moments to compare.
    pub per_hour: Option<Slope>,
}

impl Growth {
    /// Judges it against one worker's part of the headroom; and, when there is no answer yet, how much longer it would
    /// have to be watched, if that helps.
    pub(super) fn judge(&self, share: f64, limits: &LeakLimits) -> (Judgement, Option<Duration>) {
        let unjudged = |words: String, needed| (Judgement::new(Subject::Memory, Verdict::Inconclusive, words), needed);
        if self.watched < limits.minimum_time {
            let words = format!(
                "{} watched for {} after a warm-up of {}; {} are needed",
                self.were(),
                span(self.watched),
                span(limits.warm_up),
                span(limits.minimum_time)
            );
            return unjudged(words, Some(limits.minimum_time.saturating_sub(self.watched)));
        }
        let Some(interval) = self.per_hour.and_then(|slope| slope.interval) else {
            let points = self.per_hour.map_or(0, |slope| slope.points);
            let words = format!("{} seen at {points} moments after the warm-up, too few to be sure", self.were());
            return unjudged(words, Some(limits.minimum_time));
        };
        let limit = share / hours(limits.horizon);
        let words = self.words(interval, share, limits);
        match of_rate(interval, limit, share / hours(limits.urgent)) {
            Verdict::Inconclusive => unjudged(words, needed(self.watched, interval, limit)),
            verdict => (Judgement::new(Subject::Memory, verdict, words), None),
        }
    }

    fn words(&self, interval: Interval, share: f64, limits: &LeakLimits) -> String {
        let rate = bytes_per_hour(interval);
        if interval.high <= 0.0 {
            return format!("{} not grow: {rate}", self.does());
        }
        let part = bytes(share as u64);
        let lasts = |rate: f64| span(Duration::try_from_secs_f64(share / rate * 3_600.0).unwrap_or(Duration::MAX));
        let needed = span(limits.horizon);
        let limit = share / hours(limits.horizon);
        let how_long = if interval.low > limit {
            format!("lasts {} at most", lasts(interval.low))
        } else if interval.high <= limit {
            format!("lasts {} at least", lasts(interval.high))
        } else {
            format!("may last only {}", lasts(interval.high))
        };
        format!("{} by {rate}; a worker's headroom of {part} {how_long}, and {needed} are needed", self.grows())
    }

    fn name(&self) -> String {
        match self.workers.as_slice() {
            [worker] => format!("worker {}", worker.pid),
            many => format!("{} workers with short lives", many.len()),
        }
    }

    fn is_one(&self) -> bool {
        self.workers.len() == 1
    }

    fn were(&self) -> String {
        format!("{} {}", self.name(), if self.is_one() { "was" } else { "were" })
    }

    fn does(&self) -> String {
        format!("{} {}", self.name(), if self.is_one() { "does" } else { "do" })
    }

    fn grows(&self) -> String {
        format!("{} {}", self.name(), if self.is_one() { "grows" } else { "grow" })
    }
}

pub(super) fn hours(duration: Duration) -> f64 {
    (duration.as_secs_f64() / 3_600.0).max(1e-9)
}

/// What a rate with its bounds says, given the rate that leaves too little headroom, and the one that leaves so little that
/// nobody can wait.
pub(super) fn of_rate(rate: Interval, limit: f64, urgent: f64) -> Verdict {
    if rate.low > limit && rate.low > urgent {
        Verdict::Abort
    } else if rate.low > limit {
        Verdict::Hold
    } else if rate.high <= limit {
        Verdict::Pass
    } else {
        Verdict::Inconclusive
    }
}

/// How much longer to watch, when the interval of a slope shrinks with time to the power of one and a half, and a tenth
/// is kept in reserve.
fn needed(watched: Duration, interval: Interval, limit: f64) -> Option<Duration> {
    let distance = (interval.estimate - limit).abs() * 0.9;
    let reach =
        if interval.estimate > limit { interval.estimate - interval.low } else { interval.high - interval.estimate };
    let times = (reach / distance).powf(2.0 / 3.0);
    let is_reasonable = times.is_finite() && times <= FUTILE;
    is_reasonable.then(|| watched.mul_f64((times - 1.0).max(0.1)))
}

/// A series in order of time, as hours and bytes, in at most [`BLOCKS`] pieces of equally many samples: the middle of
/// each piece and its median.
pub(super) fn blocks(series: &[(Duration, u64)]) -> Vec<(f64, f64)> {
    let size = series.len().div_ceil(BLOCKS).max(1);
    let middle = |piece: &[(Duration, u64)]| {
        let mut sizes: Vec<u64> = piece.iter().map(|(_, bytes)| *bytes).collect();
        sizes.sort_unstable();
        let time = piece.iter().map(|(at, _)| at.as_secs_f64()).sum::<f64>() / piece.len() as f64;
        let median = f64::midpoint(sizes[(sizes.len() - 1) / 2] as f64, sizes[sizes.len() / 2] as f64);
        (time / 3_600.0, median)
    };
    // A last piece of one sample would weigh as much as a whole one.
    series.chunks(size).filter(|piece| 2 * piece.len() >= size).map(middle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_even_and_few() {
        let series: Vec<(Duration, u64)> = (0..1_201).map(|second| (Duration::from_secs(second), second)).collect();
        let pieces = blocks(&series);
        assert_eq!(pieces.len(), 109);
        assert!((pieces[0].0 * 3_600.0 - 5.0).abs() < 1e-9 && pieces[0].1 == 5.0);
        assert_eq!(blocks(&series[..7]).len(), 7);
        assert!(blocks(&[]).is_empty());
    }

    #[test]
    fn an_interval_twice_too_wide_needs_more_time_and_one_at_the_limit_never_ends() {
        let interval = Interval { low: -0.9, estimate: 0.0, high: 0.9 };
        let hour = Duration::from_secs(3_600);
        let more = needed(hour, interval, 0.5).unwrap();
        assert!((more.as_secs_f64() / 3_600.0 - (2.0_f64.powf(2.0 / 3.0) - 1.0)).abs() < 1e-9, "{more:?}");
        assert_eq!(needed(hour, interval, 0.0), None);
    }
}
