//! Watches of the workers on a simulated host.

use std::time::Duration;

use async_trait::async_trait;

use super::calls::World;
use super::hosts::Handle;
use crate::core::Failure;
use crate::core::rollout::SshHost;
use crate::ports::{Clock, MonitorRead, MonitorSample, MonitorSpec, Monitoring};
use crate::sim::host::Host;

struct OpenMonitor {
    world: World,
    host: SshHost,
    watched: MonitorSpec,
    begun: Duration,
    taken: u64,
}

#[async_trait]
impl MonitorRead for Handle {
    /// Looks at the workers of the host by their pid file or unit: `Host::workers`, and those that run by that
    /// name. Where there are none, none run.
    async fn monitor(&self, watched: &MonitorSpec) -> Result<Box<dyn Monitoring>, Failure> {
        self.on_host("target.monitor", |_| Ok(())).await?;
        let (world, host) = (self.world.clone(), self.host.clone());
        let begun = world.elapsed();
        Ok(Box::new(OpenMonitor { world, host, watched: watched.clone(), begun, taken: 0 }))
    }
}

#[async_trait]
impl Monitoring for OpenMonitor {
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

impl Handle {
    /// A sample takes no time of its own.
    async fn sample(&self, take: impl FnOnce(&Host) -> MonitorSample + Send) -> Result<MonitorSample, Failure> {
        self.world
            .look("target.sample", Duration::ZERO, |state| Ok(take(Host::reached(&state.hosts, &self.host)?)))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Verdict;
    use crate::evidence::{LeakLimits, judge_leak};
    use crate::ports::{LogCounts, MasterOf, ProcessSample, TargetsRead};
    use crate::sim::faults::Fault;
    use crate::sim::host::SimulatedWorkers;

    fn world(workers: SimulatedWorkers) -> World {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rollout.yaml")).unwrap();
        let rollout = serde_yaml::from_str::<crate::core::rollout::Rollout>(&text).unwrap();
        let world = World::from_rollout(&rollout);
        let host = rollout.staging.host.to_string();
        world.edit(|state| state.hosts.get_mut(&host).unwrap().workers.insert("/copy/pid".to_owned(), workers));
        world
    }

    async fn watch(world: &World, at_most: u64) -> Result<Vec<MonitorSample>, Failure> {
        let watched = |host: &Host| host.workers.contains_key("/copy/pid");
        let host = world.edit(|state| state.hosts.iter().find(|(_, host)| watched(host)).unwrap().0.clone());
        let watched = MonitorSpec {
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
