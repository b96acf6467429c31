//! The workers and the host of a production target for one window.

use std::collections::BTreeSet;
use std::time::Duration;

use super::kept::Kept;
use crate::core::rollout::{ProductionTarget, Rollout};
use crate::core::{Failure, Judgement, Subject, Verdict};
use crate::evidence::{Proportion, saturation};
use crate::ports::{ErrorKind, LoadResult, MasterOf, MonitorSpec};
use crate::steps::ReadContext;
use crate::steps::watch::gunicorn::GunicornWatch;
use crate::steps::watch::under_load::limits;

/// The number of samples in a window: enough for a median, and a tenth of a percent of a core.
const SAMPLES_PER_WINDOW: u32 = 12;
/// The longest interval between two samples.
const MAX_SAMPLE_INTERVAL: Duration = Duration::from_secs(5);
/// The shortest interval between two samples.
const MIN_SAMPLE_INTERVAL: Duration = Duration::from_millis(200);
/// A crash of a worker breaks what it was answering.
const BROKEN: [ErrorKind; 3] = [ErrorKind::Closed, ErrorKind::Connect, ErrorKind::Protocol];

/// What was observed of a Gunicorn in one window.
pub struct WindowObservation {
    /// The watch.
    pub watch: GunicornWatch,
    /// Workers that were there at the beginning.
    pub at_first: BTreeSet<u32>,
}

/// Watches for so long.
///
/// # Errors
/// When the host cannot be watched, or the connection broke: what was not seen is not known.
pub async fn watch(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
    length: Duration,
) -> Result<WindowObservation, Failure> {
    let application = &context.rollout().application;
    let watched = MonitorSpec {
        master: MasterOf::Unit(application.unit.clone()),
        error_log: application.error_log_path(),
        every: (length / SAMPLES_PER_WINDOW).clamp(MIN_SAMPLE_INTERVAL, MAX_SAMPLE_INTERVAL),
        at_most: length,
    };
    let mut monitoring = context.ports.targets.reader(&target.host).monitor(&watched).await?;
    let mut seen = WindowObservation { watch: GunicornWatch::default(), at_first: BTreeSet::new() };
    let mut is_first = true;
    while let Some(sample) = monitoring.next().await? {
        if std::mem::take(&mut is_first) {
            seen.at_first = sample.workers.iter().map(|worker| worker.pid).collect();
        }
        seen.watch.take(&sample);
    }
    Ok(seen)
}

/// Judges. A restart by hand ends workers and the master as a crash does, so with a new master only what no restart does
/// is reason to go back.
pub fn judge(seen: &WindowObservation, probed: &LoadResult, is_restarted: bool, rollout: &Rollout) -> Vec<Judgement> {
    let watch = &seen.watch;
    let log = watch.log();
    let is_restarted = is_restarted || watch.masters() > 1;
    let mut reasons = Vec::new();
    if log.timeouts > 0 {
        let words = format!("the master found {} workers silent (WORKER TIMEOUT)", log.timeouts);
        reasons.push(Judgement::new(Subject::Workers, Verdict::Abort, words));
    }
    if watch.is_gone() {
        reasons.push(Judgement::new(Subject::Master, Verdict::Abort, "the main process does not run any more"));
    }
    let broken: u64 = probed
        .requests
        .values()
        .flat_map(|request| &request.errors)
        .filter(|(kind, _)| BROKEN.contains(kind))
        .map(|(_, tally)| tally.count)
        .sum();
    if is_restarted {
        let words = "it was restarted: the main process is a different one than before".to_owned();
        reasons.push(Judgement::new(Subject::Master, Verdict::Hold, words));
    } else if log.killed > 0 {
        reasons.push(Judgement::new(
            Subject::Workers,
            Verdict::Abort,
            format!("a signal ended {} workers", log.killed),
        ));
    } else if watch.ended() > 0 && broken > 0 {
        let words = format!("{} workers crashed: {broken} requests were left without an answer", watch.ended());
        reasons.push(Judgement::new(Subject::Workers, Verdict::Abort, words));
    } else if watch.is_restless() {
        reasons.push(Judgement::new(
            Subject::Workers,
            Verdict::Abort,
            format!("workers end again and again: {} did", watch.ended()),
        ));
    }
    let judged = saturation(&watch.hosts(), Proportion::new(0, 1), &limits(rollout));
    let host = judged.reasons.into_iter().filter(|judgement| !judgement.verdict.passes());
    // Users load the processors as well: another release would load them as much, so a rollback would not help.
    let host = host.map(|judgement| match judgement.subject {
        Subject::Processors => judgement.at_worst(Verdict::Hold),
        _ => judgement,
    });
    reasons.extend(host);
    reasons
}

/// Adds this window's memory to the series, and judges that.
pub fn memory(
    seen: &WindowObservation,
    kept: &mut Kept,
    age: u64,
    is_young: bool,
    rollout: &Rollout,
) -> Option<Judgement> {
    let held = seen.watch.held_bytes();
    if held > 0 {
        kept.memory.add(age, held);
    }
    kept.memory.judge(rollout, seen.watch.least_available().unwrap_or(0), is_young)
}

/// What there is to say when all is well.
pub fn summary(seen: &WindowObservation, rollout: &Rollout) -> String {
    let watch = &seen.watch;
    let mib = |bytes: u64| bytes >> 20;
    let mut words = format!(
        "{} workers hold {} MiB with their master, {} MiB are left on the host",
        watch.workers(),
        mib(watch.held_bytes()),
        mib(watch.least_available().unwrap_or(0))
    );
    if watch.ended() > 0 {
        words.extend([format!("; {} workers were replaced without a request of ours that failed", watch.ended())]);
    }
    match (watch.log().tracebacks, rollout.application.error_log.is_some()) {
        (_, false) => words.push_str("; without `application.error_log` tracebacks are not counted"),
        (0, true) => {}
        (tracebacks, true) => words.extend([format!("; {tracebacks} tracebacks in the error log")]),
    }
    words
}
