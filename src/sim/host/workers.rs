//! Watched workers: memory, processor time, crashes and log lines as scripted, in virtual time.

use std::time::Duration;

use crate::ports::{HostSample, LogCounts, MonitorSample, ProcessSample};

/// A second has so many clock ticks.
const TICKS: u64 = 100;

/// How a Gunicorn and its host look to whoever watches them.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedWorkers {
    /// When it started, in virtual time.
    pub since: Duration,
    /// How many workers; none, and the master does not run either.
    pub workers: u32,
    /// What each holds when it is warm, in bytes.
    pub bytes: u64,
    /// How long it fills its caches: the last tenth of its memory.
    pub warm_up: Duration,
    /// How much each grows an hour, in bytes.
    pub grows: u64,
    /// How far a sample is off at most, in bytes.
    pub noise: u64,
    /// What the noise is drawn from beside a sample's number. `None`: from the moment, so that no watch is like another.
    pub draw: Option<u64>,
    /// How long each worker lives before a signal ends it; `None` is for ever.
    pub lives: Option<Duration>,
    /// Whether it ends because the master found it silent.
    pub is_silent: bool,
    /// Tracebacks an hour.
    pub tracebacks: u64,
    /// Which share of a processor each worker uses.
    pub cpu: f64,
    /// Descriptors each holds.
    pub descriptors: u32,
    /// How many more an hour.
    pub descriptors_grow: u32,
    /// Memory left on the host beside what grows, in bytes.
    pub available_bytes: u64,
    /// Swapped out an hour, in bytes.
    pub swaps: u64,
    /// Sockets in TIME_WAIT.
    pub time_wait: u64,
}

impl Default for SimulatedWorkers {
    /// Two healthy ones on a host with two processors and room.
    fn default() -> Self {
        Self {
            since: Duration::ZERO,
            workers: 2,
            bytes: 200 << 20,
            warm_up: Duration::from_secs(60),
            grows: 0,
            noise: 64 << 10,
            draw: None,
            lives: None,
            is_silent: false,
            tracebacks: 0,
            cpu: 0.3,
            descriptors: 24,
            descriptors_grow: 0,
            available_bytes: 4 << 30,
            swaps: 0,
            time_wait: 40,
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "far below 2^53, and never negative"
)]
impl SimulatedWorkers {
    /// A part of what an hour brings.
    fn hourly(amount: u64, age: Duration) -> u64 {
        (amount as f64 * age.as_secs_f64() / 3_600.0) as u64
    }

    /// How many lives of the worker of this number are over, and when the present one began.
    fn life(&self, number: u32, now: Duration) -> (u32, Duration) {
        let Some(lives) = self.lives.filter(|lives| !lives.is_zero()) else { return (0, self.since) };
        // Not all at once: each dies at its own part of the period.
        let early = lives * number / self.workers.max(1);
        let age = now.saturating_sub(self.since) + early;
        let over = (age.as_secs_f64() / lives.as_secs_f64()).floor() as u32;
        (over, (self.since + lives * over).saturating_sub(early).max(self.since))
    }

    fn worker(&self, number: u32, now: Duration, sample: u64) -> ProcessSample {
        let with_pss = sample.is_multiple_of(5);
        let (over, began) = self.life(number, now);
        let age = now.saturating_sub(began);
        let warm = (age.as_secs_f64() / self.warm_up.as_secs_f64().max(1e-3)).min(1.0);
        let moment = self.draw.map_or(now.as_millis() as u64, |draw| draw << 32 ^ sample);
        let seed = moment ^ u64::from(number) << 48;
        let noise = fastrand::Rng::with_seed(seed).u64(..=self.noise);
        let rss_bytes = (self.bytes as f64 * (0.9 + 0.1 * warm)) as u64 + Self::hourly(self.grows, age) + noise;
        ProcessSample {
            pid: 5_001 + number + over * self.workers,
            started_ticks: began.as_millis() as u64 * TICKS / 1_000,
            rss_bytes,
            pss_bytes: with_pss.then_some(rss_bytes * 4 / 5),
            cpu_ms: (age.as_millis() as f64 * self.cpu) as u64,
            descriptors: Some(self.descriptors + Self::hourly(self.descriptors_grow.into(), age) as u32),
        }
    }

    /// What the log holds by then.
    fn log(&self, now: Duration) -> LogCounts {
        let over: u64 = (0..self.workers).map(|number| u64::from(self.life(number, now).0)).sum();
        LogCounts {
            tracebacks: Self::hourly(self.tracebacks, now.saturating_sub(self.since)),
            timeouts: if self.is_silent { over } else { 0 },
            killed: over,
            booted: over + u64::from(self.workers),
        }
    }

    fn host(&self, now: Duration, workers: &[ProcessSample]) -> HostSample {
        const PROCESSORS: u32 = 2;
        let age = now.saturating_sub(self.since);
        let all = now.as_millis() as f64 * f64::from(PROCESSORS);
        let share = (self.cpu * f64::from(self.workers) / f64::from(PROCESSORS)).min(1.0);
        let grown: u64 = workers.iter().map(|worker| worker.rss_bytes.saturating_sub(self.bytes)).sum();
        let swapped = Self::hourly(self.swaps, age);
        HostSample {
            processors: PROCESSORS,
            busy_ms: (all * share) as u64,
            idle_ms: (all * (1.0 - share)) as u64,
            available_bytes: self.available_bytes.saturating_sub(grown),
            total_bytes: 8 << 30,
            swap_used_bytes: swapped,
            swapped_out_bytes: swapped,
            out_of_memory_kills: Some(0),
            load: share * f64::from(PROCESSORS),
            time_wait: self.time_wait,
        }
    }

    /// A sample of this number, of a watch that began then.
    pub(in crate::sim) fn sample(&self, now: Duration, begun: Duration, number: u64) -> MonitorSample {
        let workers: Vec<ProcessSample> = (0..self.workers).map(|one| self.worker(one, now, number)).collect();
        let master = ProcessSample {
            pid: 5_000,
            started_ticks: self.since.as_millis() as u64 * TICKS / 1_000,
            rss_bytes: 30 << 20,
            pss_bytes: number.is_multiple_of(5).then_some(20 << 20),
            cpu_ms: 100,
            descriptors: Some(12),
        };
        let (before, after) = (self.log(begun), self.log(now));
        MonitorSample {
            at_ms: now.saturating_sub(begun).as_millis() as u64,
            master: (self.workers > 0).then_some(master),
            host: self.host(now, &workers),
            workers,
            log: Some(LogCounts {
                tracebacks: after.tracebacks.saturating_sub(before.tracebacks),
                timeouts: after.timeouts.saturating_sub(before.timeouts),
                killed: after.killed.saturating_sub(before.killed),
                booted: after.booted.saturating_sub(before.booted),
            }),
        }
    }
}
