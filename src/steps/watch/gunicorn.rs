//! What was seen of a Gunicorn and its host during a load, in few numbers however long it takes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::evidence::{HostLoad, MemorySample, Proportion, SaturationLimits, WorkerLife, saturation};
use crate::ports::{HostSample, LogCounts, MonitorSample, ProcessSample};

/// The number of the latest samples that the host is judged by.
const HOST_SAMPLES: usize = 60;
/// The number of the latest samples that danger is judged by.
const DANGER_SAMPLES: usize = 15;
/// The maximum number of lives of workers that are told apart.
const MAX_WORKER_LIVES: usize = 512;
/// The maximum number of samples of memory. Beyond it they are thinned out.
const MAX_MEMORY_SAMPLES: usize = 16_384;
/// A master that is missing in this many consecutive samples is gone.
const MAX_MISSED_SAMPLES: u32 = 3;

/// One life of a worker.
#[derive(Debug, Clone, Copy, Serialize)]
struct Life {
    pid: u32,
    most_rss_bytes: u64,
    most_descriptors: Option<u32>,
    /// Processor time during the load, in milliseconds.
    cpu_ms: u64,
    #[serde(skip)]
    cpu_before: u64,
}

/// Everything that was observed of a Gunicorn and its host.
#[derive(Debug, Default)]
pub struct GunicornWatch {
    samples: u64,
    first: Option<HostSample>,
    previous: Option<HostSample>,
    recent: VecDeque<HostLoad>,
    worst: Option<HostLoad>,
    lives: BTreeMap<WorkerLife, Life>,
    present: BTreeSet<WorkerLife>,
    ended: u64,
    master: Option<WorkerLife>,
    masters: u64,
    missed: u32,
    /// Counts of an earlier watching whose connection broke.
    log_before: LogCounts,
    log: LogCounts,
    held_bytes: u64,
    has_pss: bool,
    time_wait: u64,
    /// When the present watching began, since the first one did.
    offset: Duration,
    memory: Vec<(u64, MemorySample)>,
    /// Every so many samples of memory are kept, as a power of two.
    thinned: u32,
}

impl GunicornWatch {
    /// The watching began anew, so long after it first began.
    pub fn begun_anew(&mut self, offset: Duration) {
        self.offset = offset;
        self.log_before = self.log;
        self.previous = None;
    }

    /// Takes the next sample.
    pub fn take(&mut self, sample: &MonitorSample) {
        self.take_host(sample.host);
        self.take_master(sample.master.as_ref());
        self.take_workers(&sample.workers);
        if let Some(log) = sample.log {
            let before = self.log_before;
            self.log = LogCounts {
                tracebacks: before.tracebacks + log.tracebacks,
                timeouts: before.timeouts + log.timeouts,
                killed: before.killed + log.killed,
                booted: before.booted + log.booted,
            };
        }
        let rss = || sample.master.iter().chain(&sample.workers).map(|process| process.rss_bytes).sum();
        let held = sample.held_bytes();
        self.has_pss |= held.is_some();
        // Only some samples have PSS. On a host without it RSS has to do: it counts shared pages several times.
        let held = held.or_else(|| (!self.has_pss).then(rss)).unwrap_or(0);
        self.held_bytes = self.held_bytes.max(held);
        self.time_wait = self.time_wait.max(sample.host.time_wait);
        self.take_memory(sample);
        self.samples += 1;
    }

    fn take_host(&mut self, host: HostSample) {
        let first = *self.first.get_or_insert(host);
        if let Some(load) = self.previous.and_then(|previous| host.load_since(&previous, &first)) {
            self.recent.push_back(load);
            if self.recent.len() > HOST_SAMPLES {
                self.recent.pop_front();
            }
            let worst = self.worst.get_or_insert(load);
            worst.available_bytes = worst.available_bytes.min(load.available_bytes);
            worst.swapped_bytes = worst.swapped_bytes.max(load.swapped_bytes);
            worst.out_of_memory_kills = worst.out_of_memory_kills.max(load.out_of_memory_kills);
        }
        self.previous = Some(host);
    }

    fn take_master(&mut self, master: Option<&ProcessSample>) {
        match master {
            None => self.missed += 1,
            Some(process) => {
                let life = WorkerLife { pid: process.pid, started_ticks: process.started_ticks };
                if self.master.replace(life) != Some(life) {
                    self.masters += 1;
                }
                self.missed = 0;
            }
        }
    }

    fn take_workers(&mut self, workers: &[ProcessSample]) {
        let mut present = BTreeSet::new();
        for process in workers {
            let life = WorkerLife { pid: process.pid, started_ticks: process.started_ticks };
            present.insert(life);
            if !self.lives.contains_key(&life) && self.lives.len() >= MAX_WORKER_LIVES {
                continue;
            }
            let seen = self.lives.entry(life).or_insert(Life {
                pid: process.pid,
                most_rss_bytes: 0,
                most_descriptors: None,
                cpu_ms: 0,
                cpu_before: process.cpu_ms,
            });
            seen.most_rss_bytes = seen.most_rss_bytes.max(process.rss_bytes);
            seen.most_descriptors = seen.most_descriptors.max(process.descriptors);
            seen.cpu_ms = process.cpu_ms.saturating_sub(seen.cpu_before);
        }
        self.ended += self.present.difference(&present).count() as u64;
        self.present = present;
    }

    fn take_memory(&mut self, sample: &MonitorSample) {
        if self.samples.is_multiple_of(1 << self.thinned) {
            let offset = self.offset;
            let moved = sample.memory().map(|one| MemorySample { at: one.at + offset, ..one });
            self.memory.extend(moved.map(|one| (self.samples, one)));
        }
        if self.memory.len() > MAX_MEMORY_SAMPLES {
            self.thinned += 1;
            let thinned = self.thinned;
            self.memory.retain(|(number, _)| number.is_multiple_of(1 << thinned));
        }
    }

    /// Workers that ended.
    pub fn ended(&self) -> u64 {
        self.ended
    }

    /// Whether they end again and again.
    pub fn is_restless(&self) -> bool {
        self.ended > 2 * self.present.len().max(1) as u64
    }

    /// How many workers there were at the end.
    pub fn workers(&self) -> usize {
        self.present.len()
    }

    /// How many masters were seen, one after the other.
    pub fn masters(&self) -> u64 {
        self.masters
    }

    /// Whether there is no master any more.
    pub fn is_gone(&self) -> bool {
        self.missed >= MAX_MISSED_SAMPLES
    }

    /// What the log says.
    pub fn log(&self) -> LogCounts {
        self.log
    }

    /// The most that master and workers held together, in bytes.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes
    }

    /// The memory that the host had left at the beginning, in bytes; `None` when it was not seen.
    pub fn available_at_first(&self) -> Option<u64> {
        self.first.map(|first| first.available_bytes)
    }

    /// The least memory that the host had left, in bytes; `None` when it was not seen.
    pub fn least_available(&self) -> Option<u64> {
        self.worst.map(|worst| worst.available_bytes)
    }

    /// The memory of the workers.
    pub fn memory(&self) -> Vec<MemorySample> {
        self.memory.iter().map(|(_, sample)| *sample).collect()
    }

    /// The last minute of the host, with the worst moment of all for its memory.
    pub fn hosts(&self) -> Vec<HostLoad> {
        let mut hosts: Vec<HostLoad> = self.recent.iter().copied().collect();
        if let (Some(last), Some(worst)) = (hosts.last_mut(), self.worst) {
            *last = HostLoad { cpu: last.cpu, ..worst };
        }
        hosts
    }

    /// What happened to the workers that must not happen under any load; `None` when nothing did.
    pub fn trouble(&self) -> Option<String> {
        let mut words = Vec::new();
        if self.log.timeouts > 0 {
            words.push(format!("the master found {} workers silent (WORKER TIMEOUT)", self.log.timeouts));
        }
        if self.log.killed > 0 {
            words.push(format!("a signal ended {} workers", self.log.killed));
        }
        if self.masters > 1 {
            words.push("the master ended, and another one runs".to_owned());
        } else if self.is_gone() {
            words.push("the master does not run any more".to_owned());
        }
        if self.is_restless() {
            words.push(format!("workers end again and again: {} did", self.ended));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Why the load has to be taken off now; `None` when it does not.
    pub fn danger(&self, requests: Proportion, limits: &SaturationLimits) -> Option<String> {
        if let Some(trouble) = self.trouble() {
            return Some(trouble);
        }
        let skipped = self.recent.len().saturating_sub(DANGER_SAMPLES);
        let window: Vec<HostLoad> = self.recent.iter().skip(skipped).copied().collect();
        let judged = saturation(&window, requests, limits);
        (judged.verdict == crate::core::Verdict::Abort).then(|| judged.summary())
    }

    /// The numbers, as evidence.
    pub fn data(&self) -> Value {
        json!({
            "samples": self.samples,
            "workers": self.lives.values().collect::<Vec<_>>(),
            "workers_ended": self.ended,
            "held_bytes": self.held_bytes,
            "least_available_bytes": self.least_available(),
            "swapped_bytes": self.worst.map(|worst| worst.swapped_bytes),
            "out_of_memory_kills": self.worst.map(|worst| worst.out_of_memory_kills),
            "time_wait": self.time_wait,
            "log": self.log,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, rss_bytes: u64) -> ProcessSample {
        ProcessSample { pid, started_ticks: 7, rss_bytes, pss_bytes: None, cpu_ms: 0, descriptors: Some(9) }
    }

    fn sample(second: u64, workers: &[u32]) -> MonitorSample {
        let host = HostSample {
            processors: 2,
            busy_ms: 1_000 * second,
            idle_ms: 1_000 * second,
            available_bytes: 4 << 30,
            total_bytes: 8 << 30,
            swap_used_bytes: 0,
            swapped_out_bytes: 0,
            out_of_memory_kills: None,
            load: 1.0,
            time_wait: 12,
        };
        let workers = workers.iter().map(|pid| process(*pid, 100 + second)).collect();
        let log = Some(LogCounts { booted: second, ..LogCounts::default() });
        MonitorSample { at_ms: 1_000 * second, master: Some(process(1, 50)), workers, host, log }
    }

    fn is_danger(watch: &GunicornWatch) -> Option<String> {
        watch.danger(Proportion::new(0, 100), &SaturationLimits::default())
    }

    #[test]
    fn a_day_of_workers_that_come_and_go_takes_little_room() {
        let mut watch = GunicornWatch::default();
        (0..86_400_u32).for_each(|second| watch.take(&sample(second.into(), &[2, 10 + second / 60])));
        assert!(
            watch.lives.len() <= MAX_WORKER_LIVES
                && watch.recent.len() == HOST_SAMPLES
                && watch.memory.len() <= MAX_MEMORY_SAMPLES
        );
        let memory = watch.memory();
        assert!(memory.len() > MAX_MEMORY_SAMPLES / 4, "{}", memory.len());
        // Thinned out evenly: from the first minute to the last.
        assert!(memory[0].at < Duration::from_secs(60) && memory.last().is_some_and(|last| last.at.as_secs() > 86_000));
        assert_eq!((watch.ended(), watch.hosts().len()), (1_439, HOST_SAMPLES));
        assert!(watch.trouble().is_some_and(|words| words.contains("workers end again and again: 1439 did")));
    }

    #[test]
    fn one_that_is_replaced_is_no_danger_and_a_master_that_is_gone_is() {
        let mut watch = GunicornWatch::default();
        for second in 0..20 {
            watch.take(&sample(second, &[2, if second < 10 { 3 } else { 4 }]));
        }
        assert_eq!((is_danger(&watch), watch.ended()), (None, 1));
        assert_eq!(watch.held_bytes(), 2 * (100 + 19) + 50, "RSS, where there is no PSS");
        for second in 20..23 {
            watch.take(&MonitorSample { master: None, ..sample(second, &[2, 4]) });
        }
        assert_eq!(is_danger(&watch).as_deref(), Some("the master does not run any more"));
    }

    #[test]
    fn what_was_seen_before_a_connection_broke_is_kept() {
        let mut watch = GunicornWatch::default();
        (0..5).for_each(|second| watch.take(&sample(second, &[2, 3])));
        watch.begun_anew(Duration::from_secs(30));
        (0..5).for_each(|second| watch.take(&sample(second, &[2, 3])));
        assert_eq!((watch.log().booted, watch.ended()), (8, 0));
        assert_eq!(watch.memory().last().map(|last| last.at.as_secs()), Some(34));
        let silent =
            MonitorSample { log: Some(LogCounts { timeouts: 1, ..LogCounts::default() }), ..sample(5, &[2, 3]) };
        watch.take(&silent);
        assert!(is_danger(&watch).is_some_and(|words| words.contains("WORKER TIMEOUT")));
    }
}
