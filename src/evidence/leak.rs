//! Do the workers leak? From their memory over time: how fast each grows, how sure that is, and how long the headroom
//! lasts.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use statistics::theil_sen_in_time;

use super::growth::{Growth, blocks};
use super::size::span;
use crate::core::{Judgement, Subject, Verdict, sentences};

/// One life of a worker: a restarted one has another start, though perhaps the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkerLife {
    /// Its process id.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub started_ticks: u64,
}

/// A worker's memory at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemorySample {
    /// When, since any fixed moment.
    pub at: Duration,
    /// Whose.
    pub worker: WorkerLife,
    /// How much, in bytes: RSS or PSS, but always the same of them.
    pub bytes: u64,
}

/// What is no leak, and how much must be seen before that is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LeakLimits {
    /// How long a worker's life has lasted before its memory counts: imports and caches are no leak.
    pub warm_up: Duration,
    /// How much all workers together may grow, in bytes. Each has an equal part.
    pub headroom_bytes: u64,
    /// How long the headroom has to last. Less is Hold.
    pub horizon: Duration,
    /// A headroom that lasts no longer than this is reason to go back: Abort.
    pub urgent: Duration,
    /// How long each worker must have been watched after its warm-up. Lives that were shorter count together.
    pub minimum_time: Duration,
    /// How many requests must have been answered meanwhile, by all workers.
    pub minimum_requests: u64,
    /// How sure to be of each bound: 0.95.
    pub confidence: f64,
}

impl LeakLimits {
    /// With so much headroom: a week for it to last, two minutes of warm-up, ten minutes and 5,000 requests to be seen.
    pub fn with_headroom(headroom_bytes: u64) -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            warm_up: minutes(2),
            headroom_bytes,
            horizon: minutes(7 * 24 * 60),
            urgent: minutes(4 * 60),
            minimum_time: minutes(10),
            minimum_requests: 5_000,
            confidence: 0.95,
        }
    }
}

/// The judgement, as evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakJudgement {
    /// The worst of all judgements.
    pub verdict: Verdict,
    /// Every judgement.
    pub reasons: Vec<Judgement>,
    /// How fast whom grows.
    pub growth: Vec<Growth>,
    /// The shortest time that any of them was watched after the warm-up.
    pub watched: Duration,
    /// How many requests were answered meanwhile.
    pub requests: u64,
    /// How much longer it would have to be watched for an answer, when there is none yet and time would bring one.
    pub needed: Option<Duration>,
}

impl LeakJudgement {
    /// The judgements that decided, and how much more would do.
    pub fn summary(&self) -> String {
        let words = sentences(&self.reasons, self.verdict);
        match self.needed {
            Some(needed) => format!("{words}; about {} more are needed", span(needed)),
            None => words,
        }
    }
}

/// Judges the memory of all workers, and so many requests that they answered meanwhile. Each life is a series of its own.
pub fn judge_leak(samples: &[MemorySample], requests: u64, limits: &LeakLimits) -> LeakJudgement {
    let growth = growth(samples, limits);
    let share = limits.headroom_bytes as f64 / most_at_once(samples).max(1) as f64;
    let mut reasons = Vec::new();
    let mut needed = Vec::new();
    if requests < limits.minimum_requests {
        let words = format!("{requests} requests were answered; {} are needed", limits.minimum_requests);
        reasons.push(Judgement::new(Subject::Traffic, Verdict::Inconclusive, words));
        needed.push(None);
    }
    if growth.is_empty() {
        let words = format!("no worker was watched for longer than its warm-up of {}", span(limits.warm_up));
        reasons.push(Judgement::new(Subject::Observation, Verdict::Inconclusive, words));
        needed.push(Some(limits.minimum_time + limits.warm_up));
    }
    for one in &growth {
        let (reason, more) = one.judge(share, limits);
        if reason.verdict == Verdict::Inconclusive {
            needed.push(more);
        }
        reasons.push(reason);
    }
    let verdict = Verdict::over(reasons.iter().map(|reason| reason.verdict));
    // One that no time helps makes the time of the others pointless to say.
    let needed = needed.into_iter().collect::<Option<Vec<Duration>>>().and_then(|all| all.into_iter().max());
    LeakJudgement {
        verdict,
        reasons,
        watched: growth.iter().map(|one| one.watched).min().unwrap_or_default(),
        growth,
        requests,
        needed: needed.filter(|_| verdict == Verdict::Inconclusive),
    }
}

/// A life after its warm-up: whose, how long, and its memory in bytes by the hour.
type Part = (WorkerLife, Duration, Vec<(f64, f64)>);

/// How fast each worker grows whose life was long enough, and all others together.
fn growth(samples: &[MemorySample], limits: &LeakLimits) -> Vec<Growth> {
    let mut lives: BTreeMap<WorkerLife, Vec<(Duration, u64)>> = BTreeMap::new();
    for sample in samples {
        lives.entry(sample.worker).or_default().push((sample.at, sample.bytes));
    }
    let (mut long, mut short) = (Vec::new(), Vec::new());
    for (worker, mut series) in lives {
        series.sort_unstable();
        let warm = series.first().map_or(Duration::MAX, |(first, _)| first.saturating_add(limits.warm_up));
        series.retain(|(at, _)| *at >= warm);
        let watched = match (series.first(), series.last()) {
            (Some((first, _)), Some((last, _))) => last.saturating_sub(*first),
            _ => continue,
        };
        let part = (worker, watched, blocks(&series));
        if watched >= limits.minimum_time { long.push(vec![part]) } else { short.push(part) }
    }
    if !short.is_empty() {
        long.push(short);
    }
    let together = |parts: Vec<Part>| {
        let (mut workers, mut watched, mut series) = (Vec::new(), Duration::ZERO, Vec::new());
        for (worker, time, points) in parts {
            workers.push(worker);
            watched += time;
            series.push(points);
        }
        let per_hour = theil_sen_in_time(&series, limits.confidence);
        Growth { workers, watched, per_hour }
    };
    long.into_iter().map(together).collect()
}

/// How many workers there were at once, at most.
fn most_at_once(samples: &[MemorySample]) -> usize {
    let mut at: BTreeMap<Duration, usize> = BTreeMap::new();
    for sample in samples {
        *at.entry(sample.at).or_default() += 1;
    }
    at.values().copied().max().unwrap_or(0)
}
