//! A production target that was switched, in a healthy world: its release, its bridge, its workers, the store, and the
//! other target beside it. What a release looks like is said here alone.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate::core::rollout::Rollout;
use migrate::core::{Contract, Digest, Facts, Plan};
use migrate::ports::{LiveTree, ProcessFacts, ReleaseFacts, ReleaseName, ReleaseRoom, RunningTree};
use migrate::sim::{CacheServer, Host, SimulatedApplication, SimulatedBridge, SimulatedWorkers, World};
use serde_json::json;

use crate::rolling::approved;
use crate::soak_stage::{of, script, step};
use crate::stage::Stage;

/// Where the store is, as the targets reach it.
pub const STORE: &str = "127.0.0.1:6379";
/// The soaked target's host.
pub const HOST: &str = "chatmrpt-production-1";
/// The other one's.
pub const OTHER: &str = "chatmrpt-production-2";

/// The release that the target was switched to.
pub fn release() -> ReleaseName {
    ReleaseName::of(&Digest::of(b"a release"))
}

/// The repository's rollout, with a soak of four hours.
pub fn hours(hours: u64) -> Rollout {
    let mut rollout = Stage::new().plan.rollout().clone();
    rollout.soak.duration = Duration::from_secs(hours * 3_600).into();
    (rollout.soak.minimum_requests, rollout.soak.peak_hour_requests) = (1, None);
    rollout.application.error_log = Some("logs/error.log".parse().expect("a path"));
    rollout
}

fn plan(rollout: Rollout) -> Plan {
    let target = "production-1";
    let settings = json!({ "target": target, "endpoint": STORE });
    let soak = step("4.production-1.soak", "production_soak", Contract::SOAK.on(&rollout), settings);
    let switch = of(target, script("4.production-1.switch", target, "release"));
    let soak = migrate::core::PlannedStep { guards: Some(switch.id.clone()), ..of(target, soak) };
    Plan::new(rollout, BTreeMap::new(), vec![switch, soak], BTreeMap::new()).expect("a plan")
}

/// Changes a host.
pub fn host(world: &World, name: &str, change: impl FnOnce(&mut Host)) {
    world.edit(|state| change(state.hosts.get_mut(name).expect("a host")));
}

/// What is to be seen of releases on a host where this tree is live and runs.
pub fn runs(live: &LiveTree, master: u32) -> ReleaseFacts {
    let process = |pid: u32| ProcessFacts { pid, started_ticks: 0 };
    let room = ReleaseRoom {
        directory: migrate::ports::DirectoryState::Complete,
        in_place: Vec::new(),
        shared: Vec::new(),
        may_hand_over: true,
    };
    ReleaseFacts {
        room,
        live: live.clone(),
        has_original: true,
        releases: vec![release()],
        unfinished: Vec::new(),
        running: Some(RunningTree {
            master: process(master),
            workers: vec![process(5_001), process(5_002)],
            tree: live.clone(),
            beside: Vec::new(),
        }),
    }
}

/// Changes how the application of a host behaves.
pub fn application(world: &World, host: &str, change: impl FnOnce(&mut SimulatedApplication)) {
    let key = format!("{host} 127.0.0.1:8080");
    world.edit(|state| change(state.applications.get_mut(&key).expect("an application")));
}

/// Changes how the soaked target's workers look.
pub fn workers(world: &World, change: impl FnOnce(&mut SimulatedWorkers)) {
    host(world, HOST, |host| change(host.workers.get_mut("chatmrpt.service").expect("workers")));
}

/// Changes what the soaked target's bridge counts.
pub fn bridge(world: &World, change: impl FnOnce(&mut SimulatedBridge)) {
    let now = migrate::ports::Clock::elapsed(world);
    host(world, HOST, |host| {
        let bridge = host.bridge.as_mut().expect("a bridge");
        bridge.count(now);
        change(bridge);
    });
}

/// Changes the store.
pub fn store(world: &World, change: impl FnOnce(&mut CacheServer)) {
    world.edit(|state| change(state.stores.get_mut(STORE).expect("a store")));
}

/// Phase 4 may begin, and finds a healthy world.
pub fn ready(rollout: Rollout) -> Stage {
    let stage = Stage::with(plan(rollout));
    let unit = stage.plan.rollout().application.unit.clone();
    stage.world.edit(|state| {
        let token = state.secrets.values().next().cloned();
        state.stores.insert(STORE.into(), CacheServer::new("run-of-the-store".into(), "7.1".into(), true, token));
        for name in [HOST, OTHER] {
            state.applications.insert(format!("{name} 127.0.0.1:8080"), SimulatedApplication::default());
        }
        for (name, live) in [(HOST, LiveTree::Release(release())), (OTHER, LiveTree::Original)] {
            let Some(host) = state.hosts.get_mut(name) else { continue };
            host.releases.told = Some(runs(&live, 5_000));
            host.workers.insert(unit.clone(), SimulatedWorkers::default());
        }
        state.hosts.get_mut(HOST).expect("a host").bridge = Some(SimulatedBridge::with(300));
    });
    approved(&stage, 10 * 86_400, &Facts::new().with("release.name", release().as_str()));
    stage
}
