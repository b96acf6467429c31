//! Watching a Gunicorn and its host while it is under load, once a second, without anything installed there.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::ProcessFacts;
use crate::core::Failure;
use crate::core::rollout::AbsolutePath;
use crate::evidence::{HostLoad, MemorySample, WorkerLife};

/// What to monitor, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonitorSpec {
    /// The Gunicorn master; its children are the workers.
    pub master: MasterOf,
    /// The error log. Only what is added to it from now on counts; without one, no line is counted.
    pub error_log: Option<AbsolutePath>,
    /// How often a sample is taken. At least 100 ms.
    pub every: Duration,
    /// After so long the watching ends by itself, whatever became of us.
    pub at_most: Duration,
}

/// Where it is written which process the master is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterOf {
    /// In its pid file. Read again for every sample: the master may change, die, or not have been started yet.
    PidFile(AbsolutePath),
    /// The service manager knows it as the unit's main process. Asked again when that process has ended, and every dozen
    /// samples: asking costs more than all the rest of a sample.
    Unit(String),
}

/// One moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonitorSample {
    /// When, in milliseconds since the watching began, by the host's own monotonic clock.
    pub at_ms: u64,
    /// The master; `None` when it does not run.
    pub master: Option<ProcessSample>,
    /// The workers, in the order of their ids. A process that went away while it was looked at is left out.
    pub workers: Vec<ProcessSample>,
    /// The host.
    pub host: HostSample,
    /// What was added to the error log since the watching began; `None` while there is no log that the account may read.
    pub log: Option<LogCounts>,
}

impl MonitorSample {
    /// The resident memory of each worker, for the judgement of leaks.
    pub fn memory(&self) -> impl Iterator<Item = MemorySample> {
        let at = Duration::from_millis(self.at_ms);
        self.workers.iter().map(move |worker| MemorySample {
            at,
            worker: WorkerLife { pid: worker.pid, started_ticks: worker.started_ticks },
            bytes: worker.rss_bytes,
        })
    }

    /// What master and workers hold together, shared pages counted once, in bytes. `None` in a sample without PSS.
    pub fn held_bytes(&self) -> Option<u64> {
        self.master.iter().chain(&self.workers).map(|process| process.pss_bytes).sum()
    }
}

/// One process at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessSample {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since boot: the id alone may be another process's tomorrow.
    pub started_ticks: u64,
    /// Resident memory in bytes, shared pages included.
    pub rss_bytes: u64,
    /// Its part of it when shared pages are divided among those who share them, in bytes. Dear to find out, so only every
    /// fifth sample has it, and only where the account may see it.
    pub pss_bytes: Option<u64>,
    /// Processor time it has used in its life, in milliseconds.
    pub cpu_ms: u64,
    /// Open descriptors, where the account may see them.
    pub descriptors: Option<u32>,
}

impl ProcessSample {
    /// Which process it is.
    pub fn process(&self) -> ProcessFacts {
        ProcessFacts { pid: self.pid, started_ticks: self.started_ticks }
    }
}

/// The host at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSample {
    /// Processors.
    pub processors: u32,
    /// Time all processors were busy since boot, in milliseconds. Time taken by other virtual machines is busy.
    pub busy_ms: u64,
    /// Time all processors were idle since boot, waiting for disks included, in milliseconds.
    pub idle_ms: u64,
    /// Memory that can be had without swapping, in bytes: MemAvailable.
    pub available_bytes: u64,
    /// Memory, in bytes.
    pub total_bytes: u64,
    /// Swap space in use, in bytes.
    pub swap_used_bytes: u64,
    /// Bytes written to swap space since boot.
    pub swapped_out_bytes: u64,
    /// Processes killed for want of memory since boot; `None` when the kernel does not count them.
    pub out_of_memory_kills: Option<u64>,
    /// The load average over one minute.
    pub load: f64,
    /// TCP sockets in TIME_WAIT. At some 14,000 of them throughput falls tenfold.
    pub time_wait: u64,
}

impl HostSample {
    /// The host between two samples, for the judgement of its limits; what was swapped and killed since the first of all.
    /// `None` when no time has passed.
    pub fn load_since(&self, previous: &Self, first: &Self) -> Option<HostLoad> {
        let busy = self.busy_ms.saturating_sub(previous.busy_ms);
        let all = busy + self.idle_ms.saturating_sub(previous.idle_ms);
        let since = |now: Option<u64>, then: Option<u64>| now.unwrap_or(0).saturating_sub(then.unwrap_or(0));
        #[expect(clippy::cast_precision_loss, reason = "milliseconds, far below 2^53")]
        let cpu = (all > 0).then(|| busy as f64 / all as f64)?;
        Some(HostLoad {
            cpu,
            available_bytes: self.available_bytes,
            swapped_bytes: self.swapped_out_bytes.saturating_sub(first.swapped_out_bytes),
            out_of_memory_kills: since(self.out_of_memory_kills, first.out_of_memory_kills),
        })
    }
}

/// Lines of a Gunicorn error log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogCounts {
    /// Beginnings of Python tracebacks.
    pub tracebacks: u64,
    /// Workers that the master found silent: `WORKER TIMEOUT`.
    pub timeouts: u64,
    /// Workers that a signal ended: `was sent SIG...`, or `was terminated due to signal` before Gunicorn 21.
    pub killed: u64,
    /// Workers started: `Booting worker`.
    pub booted: u64,
}

/// Watching.
#[async_trait]
pub trait MonitorRead: Send + Sync {
    /// Begins. The first sample is taken at once.
    ///
    /// # Errors
    /// `Transient` when the host cannot be reached, `Permanent` when it cannot be watched: there is no Python there. A
    /// Gunicorn that does not run is no error: the samples say so.
    async fn monitor(&self, watched: &MonitorSpec) -> Result<Box<dyn Monitoring>, Failure>;
}

/// A host being watched. Dropped, the watching ends on the host at once. Samples wait until they are taken; the host takes
/// no more while some thousands are waiting.
#[async_trait]
pub trait Monitoring: Send {
    /// The next sample, when it is there; `None` when the time is up. May be dropped at any moment without a loss.
    ///
    /// # Errors
    /// `Transient` when the host or the connection went away: what was not watched is not known, begin again.
    async fn next(&mut self) -> Result<Option<MonitorSample>, Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, pss_bytes: Option<u64>) -> ProcessSample {
        ProcessSample { pid, started_ticks: 7, rss_bytes: 100, pss_bytes, cpu_ms: 0, descriptors: None }
    }

    const HOST: HostSample = HostSample {
        processors: 2,
        busy_ms: 1_000,
        idle_ms: 9_000,
        available_bytes: 500,
        total_bytes: 1_000,
        swap_used_bytes: 0,
        swapped_out_bytes: 40,
        out_of_memory_kills: Some(2),
        load: 0.0,
        time_wait: 0,
    };

    #[test]
    fn shares_are_of_the_time_between_and_counts_of_all_the_time() {
        let later = HostSample { busy_ms: 2_500, idle_ms: 9_500, swapped_out_bytes: 90, ..HOST };
        let last = HostSample { busy_ms: 2_500, idle_ms: 11_500, out_of_memory_kills: Some(3), ..later };
        let load = later.load_since(&HOST, &HOST).unwrap();
        assert_eq!((load.cpu, load.swapped_bytes, load.out_of_memory_kills), (0.75, 50, 0));
        let load = last.load_since(&later, &HOST).unwrap();
        assert_eq!((load.cpu, load.swapped_bytes, load.out_of_memory_kills, load.available_bytes), (0.0, 50, 1, 500));
        assert_eq!(last.load_since(&last, &HOST), None);
    }

    #[test]
    fn memory_is_by_worker_and_pss_only_when_all_of_it_is_known() {
        let workers = vec![process(2, Some(30)), process(3, Some(40))];
        let master = Some(process(1, Some(5)));
        let sample = MonitorSample { at_ms: 1_500, master, workers, host: HOST, log: None };
        let memory: Vec<_> = sample.memory().map(|one| (one.at.as_millis(), one.worker.pid, one.bytes)).collect();
        assert_eq!(memory, [(1_500, 2, 100), (1_500, 3, 100)]);
        assert_eq!(sample.held_bytes(), Some(75));
        assert_eq!(MonitorSample { master: Some(process(1, None)), ..sample }.held_bytes(), None);
    }
}
