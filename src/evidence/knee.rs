//! How many workers? The smallest number after which a further one gains too little: the knee.

use serde::{Deserialize, Serialize};
use statistics::{Interval, Proportion, Sample, ratio};

use super::percent::percent;
use super::size::bytes;
use crate::core::Verdict;

/// What was measured with one number of workers. The run is cut into windows of the same length, of which each gives one
/// throughput and one percentile: how much those differ from each other is the noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerRun {
    /// How many workers.
    pub workers: u32,
    /// Requests a second that were answered as expected, window by window.
    pub throughput: Vec<f64>,
    /// The 95th percentile of the latency in milliseconds, window by window.
    pub p95_ms: Vec<f64>,
    /// Requests that failed, of all.
    pub errors: Proportion,
    /// The most memory that master and workers held together, in bytes of PSS.
    pub memory_bytes: u64,
}

/// What a further worker must bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KneeLimits {
    /// So much more throughput, as a share: 0.05. The lower bound of the gain has to reach it.
    pub more_throughput: f64,
    /// Or so much less of the 95th percentile, as a share: 0.1.
    pub less_p95: f64,
    /// The largest share of requests that may fail; the upper bound has to keep it.
    pub error_ceiling: f64,
    /// The most memory that all may hold together, in bytes.
    pub memory_bytes: u64,
    /// How sure to be of each bound: 0.95.
    pub confidence: f64,
}

impl KneeLimits {
    /// 5 % of throughput or 10 % of the 95th percentile, within so much memory.
    pub fn within(memory_bytes: u64) -> Self {
        Self { more_throughput: 0.05, less_p95: 0.1, error_ceiling: 0.01, memory_bytes, confidence: 0.95 }
    }
}

/// One number of workers, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KneeStep {
    /// How many workers.
    pub workers: u32,
    /// Whether it is worth its memory: `Pass` is better than the one before.
    pub verdict: Verdict,
    /// How many times as much is answered as with the best number before.
    pub throughput: Option<Interval>,
    /// How many times as large the 95th percentile is.
    pub p95: Option<Interval>,
    /// Why.
    pub words: String,
}

/// The recommendation, as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// `Pass` when there is a recommendation.
    pub verdict: Verdict,
    /// How many workers.
    pub recommended: Option<u32>,
    /// Why so many, and why not more.
    pub reason: String,
    /// Every number that was looked at, in ascending order.
    pub steps: Vec<KneeStep>,
}

/// Finds the knee. The runs may come in any order; of two with the same number of workers the later one counts. Numbers
/// above the first that does not gain enough are not looked at: they would have to make up for it.
pub fn knee(runs: &[WorkerRun], limits: &KneeLimits) -> Knee {
    let mut ordered: Vec<&WorkerRun> = Vec::with_capacity(runs.len());
    for run in runs {
        ordered.retain(|other| other.workers != run.workers);
        ordered.push(run);
    }
    ordered.sort_unstable_by_key(|run| run.workers);
    let mut steps: Vec<KneeStep> = Vec::new();
    let mut best: Option<&WorkerRun> = None;
    for run in ordered {
        let step = judge(best, run, limits);
        let is_better = step.verdict.passes();
        steps.push(step);
        if !is_better {
            break;
        }
        best = Some(run);
    }
    let last = steps.last();
    let words = |step: Option<&KneeStep>| step.map(|step| step.words.clone());
    match best {
        None => Knee {
            verdict: Verdict::over(last.map(|step| step.verdict)),
            recommended: None,
            reason: words(last).unwrap_or_else(|| "nothing was measured".to_owned()),
            steps,
        },
        Some(run) => {
            let why = words(steps.iter().find(|step| step.workers == run.workers)).unwrap_or_default();
            let more = words(last.filter(|step| !step.verdict.passes()));
            let more = more.unwrap_or_else(|| "more were not tried".to_owned());
            let reason = format!("{} workers: {why}; {more}", run.workers);
            Knee { verdict: Verdict::Pass, recommended: Some(run.workers), reason, steps }
        }
    }
}

fn judge(best: Option<&WorkerRun>, run: &WorkerRun, limits: &KneeLimits) -> KneeStep {
    let count = run.workers;
    let step = |verdict, words| KneeStep { workers: count, verdict, throughput: None, p95: None, words };
    let errors = run.errors.interval(limits.confidence).filter(|_| !run.throughput.is_empty());
    let Some(errors) = errors else {
        return step(Verdict::Inconclusive, format!("{count} workers were not measured"));
    };
    let shown = format!("{} of {} requests failed with {count} workers", run.errors.hits, run.errors.of);
    let ceiling = percent(limits.error_ceiling);
    if errors.low > limits.error_ceiling {
        return step(Verdict::Abort, format!("{shown}; the ceiling is {ceiling}"));
    }
    if errors.high > limits.error_ceiling {
        let words = format!("{shown}, which may be {} of many; the ceiling is {ceiling}", percent(errors.high));
        return step(Verdict::Inconclusive, words);
    }
    let (held, room) = (bytes(run.memory_bytes), bytes(limits.memory_bytes));
    if run.memory_bytes > limits.memory_bytes {
        return step(Verdict::Hold, format!("{count} workers hold {held} of memory, and there is room for {room}"));
    }
    match best {
        None => step(Verdict::Pass, format!("they hold {held} of {room} and {}", failures(run.errors))),
        Some(best) => gain(best, run, limits),
    }
}

fn failures(errors: Proportion) -> String {
    match errors.hits {
        0 => "no request failed".to_owned(),
        hits => format!("{hits} of {} requests failed", errors.of),
    }
}

/// A ratio in words: `12.00 % more`, `3.00 % less`.
fn change(ratio: f64, up: &str, down: &str) -> String {
    format!("{} {}", percent((ratio - 1.0).abs()), if ratio < 1.0 { down } else { up })
}

/// A ratio as a change with its sign.
fn signed(ratio: f64) -> String {
    format!("{}{}", if ratio < 1.0 { "" } else { "+" }, percent(ratio - 1.0))
}

/// Whether more workers answer enough more, or enough faster, than the best number so far.
fn gain(best: &WorkerRun, run: &WorkerRun, limits: &KneeLimits) -> KneeStep {
    let between = |before: &[f64], after: &[f64]| {
        let sample = |windows: &[f64]| Sample::of(windows.to_vec()).ok();
        ratio(&sample(before)?, &sample(after)?, limits.confidence)
    };
    let throughput = between(&best.throughput, &run.throughput);
    let p95 = between(&best.p95_ms, &run.p95_ms);
    let (Some(answered), Some(slowest)) = (throughput, p95) else {
        let words = format!("too few windows were measured to compare {} workers with {}", run.workers, best.workers);
        return KneeStep { workers: run.workers, verdict: Verdict::Inconclusive, throughput, p95, words };
    };
    // Two workers more have to bring twice as much.
    let added = f64::from(run.workers - best.workers);
    let wanted = (1.0 + limits.more_throughput).powf(added);
    let allowed = (1.0 - limits.less_p95).max(0.0).powf(added);
    let words = format!(
        "{} workers answer {} than {} ({} to {}, {} wanted) with a p95 {} ({} to {}, {} wanted)",
        run.workers,
        change(answered.estimate, "more", "less"),
        best.workers,
        signed(answered.low),
        signed(answered.high),
        signed(wanted),
        change(slowest.estimate, "higher", "lower"),
        signed(slowest.low),
        signed(slowest.high),
        signed(allowed),
    );
    // A gain of one that is paid for with the other is none.
    let is_gain = (answered.low >= wanted && slowest.low <= 1.0) || (slowest.high <= allowed && answered.high >= 1.0);
    let verdict = if is_gain { Verdict::Pass } else { Verdict::Hold };
    KneeStep { workers: run.workers, verdict, throughput, p95, words }
}
