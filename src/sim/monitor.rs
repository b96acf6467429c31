//! Watched workers: memory, processor time, crashes and log lines as scripted, in virtual time.

use std::time::Duration;

use async_trait::async_trait;

use super::World;
use super::targets::Handle;
use crate::core::Failure;
use crate::core::rollout::SshHost;
use crate::ports::{
    Clock, HostSample, LogCounts, MasterOf, MonitorRead, MonitorSample, Monitoring, ProcessSample, Watched,
};

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

    fn sample(&self, now: Duration, begun: Duration, number: u64) -> MonitorSample {
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

struct Watch {
    world: World,
    host: SshHost,
    watched: Watched,
    begun: Duration,
    taken: u64,
}

#[async_trait]
impl MonitorRead for Handle {
    /// Looks at the workers of the host by their pid file or unit: [`super::Host::workers`], and those that run by that
    /// name. Where there are none, none run.
    async fn monitor(&self, watched: &Watched) -> Result<Box<dyn Monitoring>, Failure> {
        self.on_host("target.monitor", |_| Ok(())).await?;
        let (world, host) = (self.world.clone(), self.host.clone());
        let begun = world.elapsed();
        Ok(Box::new(Watch { world, host, watched: watched.clone(), begun, taken: 0 }))
    }
}

#[async_trait]
impl Monitoring for Watch {
    async fn next(&mut self) -> Result<Option<MonitorSample>, Failure> {
        let every = self.watched.every.max(Duration::from_millis(100));
        let since = self.world.elapsed().saturating_sub(self.begun);
        // Whoever comes late gets what was sampled meanwhile: here, one sample of now.
        let due = every * u32::try_from(self.taken).unwrap_or(u32::MAX);
        if due > self.watched.at_most {
            return Ok(None);
        }
        self.world.sleep(due.saturating_sub(since)).await;
        let handle = Handle { world: self.world.clone(), host: self.host.clone() };
        let (begun, taken, now) = (self.begun, self.taken, self.world.elapsed());
        let master = &self.watched.master;
        let mut sample = handle.sample(|host| host.watchable(master).sample(now, begun, taken)).await?;
        sample.log = sample.log.filter(|_| self.watched.error_log.is_some());
        let at_ms = u64::try_from(now.saturating_sub(begun).as_millis()).unwrap_or(u64::MAX);
        let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
        self.taken = (self.taken + 1).max(at_ms / every_ms);
        Ok(Some(sample))
    }
}

impl super::Host {
    /// How a Gunicorn behaves: as a test says, with as many workers as run of ours.
    fn watchable(&self, master: &MasterOf) -> SimulatedWorkers {
        let (name, running) = match master {
            MasterOf::PidFile(file) => {
                let facts = self.gunicorns.get(file.as_str());
                (file.as_str(), facts.and_then(|facts| u32::try_from(facts.workers.len()).ok()))
            }
            MasterOf::Unit(unit) => {
                let workers = self.services.get(unit).map(|service| if service.active { service.workers } else { 0 });
                (unit.as_str(), workers)
            }
        };
        let scripted = self.workers.get(name).cloned();
        let workers = running.or(scripted.as_ref().map(|one| one.workers)).unwrap_or(0);
        SimulatedWorkers { workers, ..scripted.unwrap_or_default() }
    }
}

impl Handle {
    /// A sample takes no time of its own.
    async fn sample(&self, take: impl FnOnce(&super::Host) -> MonitorSample + Send) -> Result<MonitorSample, Failure> {
        self.world
            .look("target.sample", Duration::ZERO, |state| match state.hosts.get(self.host.as_str()) {
                Some(host) => host.unreachable.clone().map_or_else(|| Ok(take(host)), Err),
                None => Err(Failure::permanent(format!("there is no host {}", self.host))),
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Verdict;
    use crate::evidence::{LeakLimits, judge_leak};
    use crate::ports::TargetsRead;
    use crate::sim::Fault;

    fn world(workers: SimulatedWorkers) -> World {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rollout.yaml")).unwrap();
        let rollout = serde_yaml::from_str::<crate::core::rollout::Rollout>(&text).unwrap();
        let world = World::from_rollout(&rollout);
        let host = rollout.staging.host.to_string();
        world.edit(|state| state.hosts.get_mut(&host).unwrap().workers.insert("/copy/pid".to_owned(), workers));
        world
    }

    async fn watch(world: &World, at_most: u64) -> Result<Vec<MonitorSample>, Failure> {
        let watched = |host: &crate::sim::Host| host.workers.contains_key("/copy/pid");
        let host = world.edit(|state| state.hosts.iter().find(|(_, host)| watched(host)).unwrap().0.clone());
        let watched = Watched {
            master: MasterOf::PidFile("/copy/pid".parse().unwrap()),
            error_log: Some("/copy/log".parse().unwrap()),
            every: Duration::from_secs(1),
            at_most: Duration::from_secs(at_most),
        };
        let reader = world.reader(&host.parse().unwrap());
        let mut monitoring = reader.monitor(&watched).await?;
        let mut samples = Vec::new();
        while let Some(sample) = monitoring.next().await? {
            samples.push(sample);
        }
        Ok(samples)
    }

    fn leak(samples: &[MonitorSample]) -> Verdict {
        let memory = samples.iter().flat_map(MonitorSample::memory);
        judge_leak(&memory.collect::<Vec<_>>(), 10_000, &LeakLimits::with_headroom(900 << 20)).verdict
    }

    #[tokio::test]
    async fn healthy_workers_pass_and_leaking_ones_do_not() {
        let healthy = watch(&world(SimulatedWorkers::default()), 900).await.unwrap();
        assert_eq!((healthy.len(), healthy[900].at_ms), (901, 900_000));
        assert_eq!(healthy.iter().filter(|sample| sample.workers[0].pss_bytes.is_some()).count(), 181);
        assert_eq!(healthy[900].log, Some(LogCounts::default()));
        assert_eq!(leak(&healthy), Verdict::Pass);
        let leaking = SimulatedWorkers { grows: 50 << 20, ..SimulatedWorkers::default() };
        assert_eq!(leak(&watch(&world(leaking), 900).await.unwrap()), Verdict::Hold);
    }

    #[tokio::test]
    async fn workers_that_are_found_silent_are_replaced_and_counted() {
        let lives = Some(Duration::from_secs(300));
        let silent = SimulatedWorkers { lives, is_silent: true, tracebacks: 60, ..SimulatedWorkers::default() };
        let samples = watch(&world(silent), 900).await.unwrap();
        let log = samples.last().unwrap().log.unwrap();
        assert_eq!((log.timeouts, log.killed, log.booted), (6, 6, 6));
        assert!((14..=15).contains(&log.tracebacks));
        let lives: std::collections::BTreeSet<_> = samples
            .iter()
            .flat_map(|sample| sample.workers.iter().map(ProcessSample::process))
            .map(|one| one.pid)
            .collect();
        assert_eq!(lives.len(), 8, "{lives:?}");
    }

    #[tokio::test]
    async fn a_lost_connection_and_a_missing_gunicorn_are_told_apart() {
        let world = world(SimulatedWorkers { workers: 0, ..SimulatedWorkers::default() });
        let samples = watch(&world, 3).await.unwrap();
        assert!(samples.len() == 4 && samples.iter().all(|sample| sample.master.is_none()));
        world.fail("target.sample", 3, Fault::LostReply);
        assert!(watch(&world, 10).await.is_err());
    }
}
