//! Where users write down what they met with. There is one for each processor, so that nobody waits for anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::fault::Fault;
use crate::evidence::LatencyHistogram;
use crate::ports::{ErrorKind, LoadResult, LoadSnapshot, RequestResult};

/// A user who is more people than this is not listed further.
const MOST_IDENTITIES: usize = 8;

/// Workers that come and go are not listed for ever.
const MOST_WORKERS: usize = 4_096;

/// What some of the users met with.
#[derive(Debug)]
pub(super) struct Recorder(Mutex<Counts>);

#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By the request's number.
    requests: Vec<RequestResult>,
    identities: BTreeMap<u32, BTreeSet<String>>,
    answered: BTreeMap<u32, u64>,
    completed: u64,
    broken_off: u64,
    pub sent: u64,
    pub received: u64,
    pub connections: u64,
    lag: LatencyHistogram,
    done: u64,
    failed: u64,
    /// Since the last snapshot.
    recent: LatencyHistogram,
}

impl Recorder {
    /// One for so many requests.
    pub fn new(requests: usize) -> Self {
        let requests = (0..requests).map(|_| RequestResult::default()).collect();
        Self(Mutex::new(Counts { requests, ..Counts::default() }))
    }

    /// The counts, to write in. Held for a few instructions, never across a wait.
    pub fn open(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// One request is over.
    pub fn request(&mut self, number: usize, latency: Duration, outcome: &Result<u16, Fault>) {
        self.done += 1;
        self.recent.record(latency);
        let Some(request) = self.requests.get_mut(number) else { return };
        match outcome {
            Ok(status) => {
                request.latency.record(latency);
                *request.statuses.entry(*status).or_default() += 1;
            }
            Err(fault) => {
                self.failed += 1;
                request.failed.record(latency);
                fault.status.into_iter().for_each(|status| *request.statuses.entry(status).or_default() += 1);
                request.errors.entry(fault.kind).or_default().add(|| fault.words.clone());
            }
        }
    }

    /// A request that was due and never sent.
    pub fn unsent(&mut self, number: usize, waited: Duration) {
        let fault = Fault::new(ErrorKind::Unsent, "the user still waited for earlier answers when the time was up");
        self.request(number, waited, &Err(fault));
    }

    /// A journey is over.
    pub fn journey(&mut self, is_complete: bool) {
        if is_complete { self.completed += 1 } else { self.broken_off += 1 }
    }

    /// Who a user was taken for.
    pub fn identity(&mut self, user: u32, name: &str) {
        let names = self.identities.entry(user).or_default();
        if names.len() < MOST_IDENTITIES && !names.contains(name) {
            names.insert(name.to_owned());
        }
    }

    /// A worker gave an answer. As many are kept apart as no Gunicorn has.
    pub fn answered(&mut self, worker: u32) {
        if self.answered.len() < MOST_WORKERS || self.answered.contains_key(&worker) {
            *self.answered.entry(worker).or_default() += 1;
        }
    }

    /// How much later than due a free user began.
    pub fn lag(&mut self, lag: Duration) {
        self.lag.record(lag);
    }
}

/// How it is going, over all recorders.
pub(super) fn snapshot(recorders: &[Recorder], elapsed: Duration) -> LoadSnapshot {
    let mut snapshot = LoadSnapshot { elapsed, ..LoadSnapshot::default() };
    let mut recent = LatencyHistogram::new();
    let mut kinds: BTreeMap<ErrorKind, u64> = BTreeMap::new();
    for recorder in recorders {
        let mut counts = recorder.open();
        snapshot.requests += counts.done;
        snapshot.failed += counts.failed;
        let errors = counts.requests.iter().flat_map(|request| &request.errors);
        errors.for_each(|(kind, tally)| *kinds.entry(*kind).or_default() += tally.count);
        recent.merge(&counts.recent);
        counts.recent.clear();
    }
    LoadSnapshot {
        mostly: kinds.into_iter().max_by_key(|(_, count)| *count).map(|(kind, _)| kind),
        recent: recent.count(),
        recent_p50: recent.percentile(50.0),
        recent_p95: recent.percentile(95.0),
        recent_p99: recent.percentile(99.0),
        ..snapshot
    }
}

/// What everybody met with.
pub(super) fn result(recorders: &[Recorder], titles: &[String], elapsed: Duration) -> LoadResult {
    let mut result = LoadResult::default();
    for recorder in recorders {
        let mut counts = recorder.open();
        let counts = std::mem::take(&mut *counts);
        // Two requests of one journey may have the same name.
        let mut requests: BTreeMap<String, RequestResult> = BTreeMap::new();
        for (title, request) in titles.iter().zip(&counts.requests) {
            requests.entry(title.clone()).or_default().merge(request);
        }
        result.merge(&LoadResult {
            elapsed: Duration::ZERO,
            requests,
            journeys_completed: counts.completed,
            journeys_failed: counts.broken_off,
            identities: counts.identities,
            answered: counts.answered,
            bytes_sent: counts.sent,
            bytes_received: counts.received,
            connections: counts.connections,
            lag: counts.lag,
        });
    }
    LoadResult { elapsed, ..result }
}
