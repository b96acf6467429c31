//! Is the host at its limit? Two ceilings of everything: one at which no more load is put on it, one at which the load is
//! taken off.

use serde::{Deserialize, Serialize};
use statistics::Proportion;

use super::percent::percent;
use super::size::bytes;
use crate::core::{Judgement, Subject, Verdict, sentences};

/// A host, for about a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HostLoad {
    /// The busy share of all its processors, 0 to 1.
    pub cpu: f64,
    /// Memory that can be had without swapping, in bytes.
    pub available_bytes: u64,
    /// How much more is swapped out than at the beginning, in bytes.
    pub swapped_bytes: u64,
    /// Processes that the kernel has killed for want of memory since the beginning.
    pub out_of_memory_kills: u64,
}

/// How much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The busy share of all processors, 0 to 1; the median of the window counts, a moment at the top is no harm.
    pub cpu: f64,
    /// Less memory than this, in bytes; the worst moment counts.
    pub available_bytes: u64,
    /// More than this swapped out since the beginning, in bytes; the worst moment counts.
    pub swapped_bytes: u64,
    /// The share of requests that fail, 0 to 1; its lower bound counts.
    pub errors: f64,
}

/// Both ceilings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SaturationLimits {
    /// Beyond it nothing more is tried.
    pub hold: Ceiling,
    /// Beyond it the load ends at once.
    pub abort: Ceiling,
    /// A median of fewer samples than this is not judged.
    pub minimum_samples: usize,
    /// Of fewer requests than this no share that fails ends a load: the first few may meet with anything.
    pub minimum_requests: u64,
    /// How sure to be of the share of errors: 0.95.
    pub confidence: f64,
}

impl Default for SaturationLimits {
    fn default() -> Self {
        let hold = Ceiling { cpu: 0.9, available_bytes: 256 << 20, swapped_bytes: 64 << 20, errors: 0.01 };
        let abort = Ceiling { cpu: 0.98, available_bytes: 96 << 20, swapped_bytes: 256 << 20, errors: 0.1 };
        Self { hold, abort, minimum_samples: 10, minimum_requests: 20, confidence: 0.95 }
    }
}

/// What a window of samples says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saturation {
    /// The worst of all judgements.
    pub verdict: Verdict,
    /// Every judgement.
    pub reasons: Vec<Judgement>,
}

impl Saturation {
    /// The judgements that decided.
    pub fn summary(&self) -> String {
        sentences(&self.reasons, self.verdict)
    }
}

/// Judges the last so many samples of a host and the requests of the same time. That the memory ends needs no minimum of
/// samples; what is a share of many does.
pub fn saturation(window: &[HostLoad], errors: Proportion, limits: &SaturationLimits) -> Saturation {
    let mut reasons = vec![judge_cpu(window, limits)];
    reasons.extend(judge_memory(window, limits));
    reasons.push(judge_errors(errors, limits));
    let verdict = Verdict::over(reasons.iter().map(|reason| reason.verdict));
    Saturation { verdict, reasons }
}

/// How far something has gone, by whether it is beyond each ceiling.
fn grade(beyond_hold: bool, beyond_abort: bool) -> Verdict {
    if beyond_abort {
        Verdict::Abort
    } else if beyond_hold {
        Verdict::Hold
    } else {
        Verdict::Pass
    }
}

fn judge_cpu(window: &[HostLoad], limits: &SaturationLimits) -> Judgement {
    let mut shares: Vec<f64> = window.iter().map(|sample| sample.cpu).filter(|share| share.is_finite()).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let needed = limits.minimum_samples.max(1);
    if shares.len() < needed {
        let words = format!("{} samples of the processors; {needed} are needed", shares.len());
        return Judgement::new(Subject::Processors, Verdict::Inconclusive, words);
    }
    let median = shares[(shares.len() - 1) / 2];
    let words = format!(
        "the processors are {} busy half of the time; the limits are {} and {}",
        percent(median),
        percent(limits.hold.cpu),
        percent(limits.abort.cpu),
    );
    Judgement::new(Subject::Processors, grade(median > limits.hold.cpu, median > limits.abort.cpu), words)
}

fn judge_memory(window: &[HostLoad], limits: &SaturationLimits) -> Vec<Judgement> {
    let (hold, abort) = (&limits.hold, &limits.abort);
    let Some(least) = window.iter().map(|sample| sample.available_bytes).min() else {
        return vec![Judgement::new(Subject::Memory, Verdict::Inconclusive, "the host's memory was not seen")];
    };
    let swapped = window.iter().map(|sample| sample.swapped_bytes).max().unwrap_or(0);
    let killed = window.iter().map(|sample| sample.out_of_memory_kills).max().unwrap_or(0);
    let mut reasons = vec![
        Judgement::new(
            Subject::Memory,
            grade(least < hold.available_bytes, least < abort.available_bytes),
            format!(
                "{} of memory were left; the limits are {} and {}",
                bytes(least),
                bytes(hold.available_bytes),
                bytes(abort.available_bytes)
            ),
        ),
        Judgement::new(
            Subject::Swap,
            grade(swapped > hold.swapped_bytes, swapped > abort.swapped_bytes),
            format!(
                "{} were swapped out; the limits are {} and {}",
                bytes(swapped),
                bytes(hold.swapped_bytes),
                bytes(abort.swapped_bytes)
            ),
        ),
    ];
    if killed > 0 {
        let words = format!("the kernel killed {killed} processes for want of memory");
        reasons.push(Judgement::new(Subject::OutOfMemory, Verdict::Abort, words));
    }
    reasons
}

fn judge_errors(errors: Proportion, limits: &SaturationLimits) -> Judgement {
    let Some(interval) = errors.interval(limits.confidence) else {
        return Judgement::new(Subject::ErrorRate, Verdict::Inconclusive, "no requests were made");
    };
    let words = format!(
        "{} of {} requests failed ({} to {}); the limits are {} and {}",
        errors.hits,
        errors.of,
        percent(interval.low),
        percent(interval.high),
        percent(limits.hold.errors),
        percent(limits.abort.errors),
    );
    let is_sure = errors.of >= limits.minimum_requests;
    let verdict = grade(interval.low > limits.hold.errors, is_sure && interval.low > limits.abort.errors);
    Judgement::new(Subject::ErrorRate, verdict, words)
}
