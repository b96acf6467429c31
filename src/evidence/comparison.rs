//! Is the copy as good as the original? From the latencies and errors of both, and of the original against itself.

use serde::{Deserialize, Serialize};
use statistics::{Interval, Proportion, RankTest, Sample, difference, needed_for_difference, rank_test, ratio, shift};

use super::needed::{Needed, for_interval};
use super::percent::percent;
use crate::core::{Judgement, Subject, Verdict, sentences};

/// What was measured of one side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arm {
    /// Latencies of the requests that were answered as expected, in milliseconds.
    pub latencies: Sample,
    /// Requests that failed, or were not answered as expected, of all.
    pub errors: Proportion,
}

/// What is still good enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// How many times as slow the copy may be: 1.1. Beyond it is Hold.
    pub slower: f64,
    /// How many times as slow is reason to go back: 1.5. Beyond it is Abort.
    pub far_slower: f64,
    /// The largest share of errors, whatever the original's is: 0.01. Beyond it is Abort.
    pub error_ceiling: f64,
    /// How much larger than the original's the share of errors may be: 0.005. Beyond it is Hold.
    pub more_errors: f64,
    /// Fewer latencies than this, on either side, are not judged.
    pub minimum_samples: u64,
    /// How sure to be of each bound: 0.95.
    pub confidence: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            slower: 1.1,
            far_slower: 1.5,
            error_ceiling: 0.01,
            more_errors: 0.005,
            minimum_samples: 200,
            confidence: 0.95,
        }
    }
}

/// How far the original differs from itself: what the measurement cannot tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// One run of the original against another, as a ratio.
    pub ratio: Interval,
}

impl Noise {
    /// Measures it. `None` when there is too little for an interval.
    pub fn between(first: &Sample, second: &Sample, confidence: f64) -> Option<Self> {
        ratio(first, second, confidence).map(|ratio| Self { ratio })
    }

    /// The same, allowing for turns that differ more than their requests do: those of the original against itself, and
    /// how far those of the comparison scatter around their own mean.
    #[must_use]
    pub fn widened(self, itself: Option<Interval>, comparison: Option<Interval>) -> Self {
        let scatter = comparison.map(|turns| Interval {
            low: turns.low / turns.estimate,
            estimate: 1.0,
            high: turns.high / turns.estimate,
        });
        let ratio = [itself, scatter].into_iter().flatten().fold(self.ratio, |so_far, turns| Interval {
            low: so_far.low.min(turns.low),
            estimate: so_far.estimate,
            high: so_far.high.max(turns.high),
        });
        Self { ratio }
    }

    /// The largest ratio that may be nothing, at least 1: the farther bound of the interval, so that a short A/A run
    /// makes the comparison more careful, not less.
    pub fn reach(&self) -> f64 {
        self.ratio.high.max(1.0 / self.ratio.low).max(1.0)
    }
}

/// The comparison, as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The worst of all judgements.
    pub verdict: Verdict,
    /// Every judgement.
    pub reasons: Vec<Judgement>,
    /// Latencies of the original and of the copy.
    pub samples: (u64, u64),
    /// Whether the copy tends to be slower at all.
    pub test: Option<RankTest>,
    /// How much slower the copy is, in milliseconds.
    pub shift: Option<Interval>,
    /// How many times as slow the copy is.
    pub ratio: Option<Interval>,
    /// The noise that was allowed for.
    pub noise: Option<Noise>,
    /// How many more requests on each side would be enough for an answer, when there is none yet.
    pub needed: Option<Needed>,
}

impl Comparison {
    /// The judgements that stand in the way, or the best news when none does.
    pub fn summary(&self) -> String {
        let words = sentences(&self.reasons, self.verdict);
        match &self.needed {
            Some(needed) if self.verdict == Verdict::Inconclusive => format!("{words}; {needed}"),
            _ => words,
        }
    }
}

/// Compares. `per_minute` is how many requests a minute each side gets, to say how long the rest would take.
pub fn compare(
    original: &Arm,
    copy: &Arm,
    noise: Option<Noise>,
    limits: &Limits,
    per_minute: Option<f64>,
) -> Comparison {
    let samples = (original.latencies.count(), copy.latencies.count());
    let ratio = ratio(&original.latencies, &copy.latencies, limits.confidence);
    let judged = [
        judge_latency(samples, ratio, noise, limits),
        judge_ceiling(copy.errors, limits),
        judge_difference(original.errors, copy.errors, limits),
    ];
    let needed = Needed::most(judged.iter().filter_map(|(_, needed)| *needed), per_minute);
    let reasons: Vec<Judgement> = judged.into_iter().map(|(reason, _)| reason).collect();
    let verdict = Verdict::over(reasons.iter().map(|reason| reason.verdict));
    Comparison {
        verdict,
        reasons,
        samples,
        test: rank_test(&original.latencies, &copy.latencies),
        shift: shift(&original.latencies, &copy.latencies, limits.confidence),
        ratio,
        noise,
        needed: needed.filter(|_| verdict == Verdict::Inconclusive),
    }
}

/// A judgement, and, when there is too little to judge, how many more requests would do (`Some(None)`: none would).
type Judged = (Judgement, Option<Option<u64>>);

fn judged(subject: Subject, verdict: Verdict, words: String) -> Judged {
    (Judgement::new(subject, verdict, words), None)
}

fn unjudged(subject: Subject, words: String, more: Option<u64>) -> Judged {
    (Judgement::new(subject, Verdict::Inconclusive, words), Some(more))
}

fn judge_latency(samples: (u64, u64), ratio: Option<Interval>, noise: Option<Noise>, limits: &Limits) -> Judged {
    let least = samples.0.min(samples.1);
    if least < limits.minimum_samples {
        let words = format!("{least} answers measured on one side; {} are needed", limits.minimum_samples);
        return unjudged(Subject::Latency, words, Some(limits.minimum_samples - least));
    }
    let Some(ratio) = ratio else {
        return unjudged(Subject::Latency, "too few answers for an interval".to_owned(), Some(limits.minimum_samples));
    };
    let Some(noise) = noise else {
        return unjudged(
            Subject::Latency,
            "the original was not compared with itself, so the noise is not known".to_owned(),
            None,
        );
    };
    let reach = noise.reach();
    let sure = Interval { low: ratio.low / reach, estimate: ratio.estimate, high: ratio.high * reach };
    let words = format!(
        "the copy takes {:.3} times as long ({:.3} to {:.3}, noise of {} included); the limit is {:.3}",
        ratio.estimate,
        sure.low,
        sure.high,
        percent(reach - 1.0),
        limits.slower,
    );
    if sure.low > limits.far_slower {
        return judged(Subject::Latency, Verdict::Abort, words);
    }
    if sure.low > limits.slower {
        return judged(Subject::Latency, Verdict::Hold, words);
    }
    if sure.high <= limits.slower {
        return judged(Subject::Latency, Verdict::Pass, words);
    }
    unjudged(Subject::Latency, words, for_interval(least, ratio.estimate, sure, limits.slower))
}

fn judge_ceiling(errors: Proportion, limits: &Limits) -> Judged {
    let Some(interval) = errors.interval(limits.confidence) else {
        return unjudged(Subject::ErrorRate, "no requests were made".to_owned(), Some(limits.minimum_samples));
    };
    let words = format!(
        "{} of {} requests failed on the copy ({} to {}); the ceiling is {}",
        errors.hits,
        errors.of,
        percent(interval.low),
        percent(interval.high),
        percent(limits.error_ceiling),
    );
    if interval.low > limits.error_ceiling {
        return judged(Subject::ErrorRate, Verdict::Abort, words);
    }
    if interval.high <= limits.error_ceiling {
        return judged(Subject::ErrorRate, Verdict::Pass, words);
    }
    let needed = errors.needed_against(limits.error_ceiling, limits.confidence);
    unjudged(Subject::ErrorRate, words, needed.map(|needed| needed.saturating_sub(errors.of).max(1)))
}

fn judge_difference(original: Proportion, copy: Proportion, limits: &Limits) -> Judged {
    let Some(interval) = difference(original, copy, limits.confidence) else {
        return unjudged(Subject::ErrorDifference, "no requests were made".to_owned(), Some(limits.minimum_samples));
    };
    let words = format!(
        "{} more requests fail on the copy than on the original ({} to {}); the limit is {}",
        percent(interval.estimate),
        percent(interval.low),
        percent(interval.high),
        percent(limits.more_errors),
    );
    if interval.low > limits.more_errors {
        return judged(Subject::ErrorDifference, Verdict::Hold, words);
    }
    if interval.high <= limits.more_errors {
        return judged(Subject::ErrorDifference, Verdict::Pass, words);
    }
    let needed = needed_for_difference(original, copy, limits.more_errors, limits.confidence);
    unjudged(
        Subject::ErrorDifference,
        words,
        needed.map(|needed| needed.saturating_sub(original.of.min(copy.of)).max(1)),
    )
}
