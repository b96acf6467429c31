//! The real engine over the real steps in the simulated world: through bad weather, and through a crash at every write.

use std::sync::Arc;
use std::time::Duration;

use migrate::core::rollout::{Percent, Rollout};
use migrate::core::{Event, Holder, Phase, RunId};
use migrate::engine::{Backoff, Cancel, Engine, EngineParts, Stop};
use migrate::journal::{Ledger, MemoryEvidence, MemoryJournal};
use migrate::ports::Silent;
use migrate::sim::{Fault, World};

use super::site;
use super::stage::ports;
use super::support::Deaf;

/// A rollout whose measurements are as small as they may be: not they are tested here, and each crash has them made anew.
fn hasty() -> Rollout {
    let mut rollout = site::shorter();
    rollout.comparison.round = Duration::from_secs(5).into();
    rollout.comparison.slower = Percent::hundredths(10_000);
    rollout.comparison.far_slower = Percent::hundredths(20_000);
    rollout.comparison.more_errors = Percent::hundredths(200);
    rollout
}

/// What survives a process: the world, the journal and the evidence.
struct Run {
    world: World,
    journal: MemoryJournal,
    evidence: MemoryEvidence,
}

impl Run {
    fn new() -> Self {
        let world = World::from_rollout(&site::rollout());
        Self { world, journal: MemoryJournal::default(), evidence: MemoryEvidence::default() }
    }

    /// A new process.
    fn engine(&self) -> Engine {
        let plan = site::plan(hasty());
        let shared = Arc::new(self.world.clone());
        let (store, holder) = (Box::new(self.journal.clone()), Holder::new("test"));
        let mut ledger = Ledger::open(store, shared.clone(), Arc::new(Deaf), holder, "test").unwrap();
        if ledger.state().run().is_none() {
            let rollout = plan.rollout().name.to_string();
            let run = RunId::new("run-1");
            ledger.append(Event::RunOpened { run, rollout, plan: plan.digest().clone() }).unwrap();
        }
        let (read, write) = ports(&self.world);
        Engine::new(EngineParts {
            ledger,
            plan,
            evidence: Box::new(self.evidence.clone()),
            read,
            write,
            base_directory: site::root(),
            progress: Arc::new(Silent),
            cancel: Cancel::default(),
            backoff: Backoff::default(),
        })
    }

    fn is_empty(&self) -> bool {
        self.world.edit(|state| {
            let cloud = &state.cloud;
            let nothing_on_hosts =
                state.hosts.values().all(|host| host.directories.is_empty() && host.gunicorns.is_empty());
            let nothing_in_the_cloud =
                cloud.clusters.is_empty() && cloud.security_groups.is_empty() && cloud.subnet_groups.is_empty();
            nothing_on_hosts && nothing_in_the_cloud
        })
    }

    /// Nothing was ever made while it was there.
    fn made_once(&self) {
        for call in ["create_subnet_group", "create_security_group", "authorize", "create_replication_group"] {
            assert_eq!(self.world.effects(&format!("cloud.{call}")), 1, "{call}");
        }
    }
}

#[tokio::test]
async fn phase_1_up_and_down() {
    let run = Run::new();
    run.engine().phase(Phase::Infrastructure).await.unwrap();
    run.made_once();
    assert!(!run.is_empty());
    run.engine().rollback(Phase::Preflight, None).await.unwrap();
    assert!(run.is_empty());
    let token = run.world.edit(|state| state.secrets.values().next().cloned().unwrap());
    let written = format!("{}{:?}", String::from_utf8_lossy(&run.journal.bytes()), run.evidence.documents());
    assert!(!written.contains(&token), "the token is in the journal or in the evidence");
}

#[tokio::test]
async fn a_crash_at_every_write_is_survived() {
    for (nth, fault) in (1..=5).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        let run = Run::new();
        run.world.fail_write(nth, fault);
        let mut engine = run.engine();
        tokio::select! {
            biased;
            () = run.world.crashed() => {}
            ended = engine.phase(Phase::Infrastructure) => panic!("write {nth} did not crash: {ended:?}"),
        }
        drop(engine);
        run.engine().phase(Phase::Infrastructure).await.unwrap();
        run.made_once();

        run.world.fail_write(nth, fault);
        let mut engine = run.engine();
        tokio::select! {
            biased;
            () = run.world.crashed() => {}
            ended = engine.rollback(Phase::Preflight, None) => panic!("undo {nth} did not crash: {ended:?}"),
        }
        drop(engine);
        run.engine().rollback(Phase::Preflight, None).await.unwrap();
        assert!(run.is_empty(), "write {nth}, {fault:?}");
    }
}

#[tokio::test]
async fn a_crash_at_the_writes_of_the_copy_is_survived() {
    // Five things are made, undone and made again by the rehearsal, and the drill cuts a path.
    for (nth, fault) in (1..=16).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        let run = Run::new();
        run.engine().phase(Phase::Infrastructure).await.unwrap();
        run.world.fail_write(nth, fault);
        let mut engine = run.engine();
        tokio::select! {
            biased;
            () = run.world.crashed() => {}
            ended = engine.phase(Phase::StagingCopy) => panic!("write {nth} did not crash: {ended:?}"),
        }
        drop(engine);
        // What a crash in the middle of the copying leaves: the next process goes on with it.
        run.world.edit(|state| {
            let directories = state.hosts.values_mut().flat_map(|host| host.directories.values_mut());
            directories.for_each(|directory| directory.complete &= nth > 1);
        });
        run.engine().phase(Phase::StagingCopy).await.unwrap();
        let removed = run.world.effects("target.remove_directory");
        assert_eq!(removed, 1, "write {nth}, {fault:?}: only the rehearsal takes the copy away");
        run.world.edit(|state| {
            let directories = state.hosts.values_mut().flat_map(|host| host.directories.values_mut());
            directories.for_each(|directory| directory.complete = false);
        });
        run.engine().rollback(Phase::Infrastructure, None).await.unwrap();
        assert!(run.world.edit(|state| state.hosts.values().all(|host| host.directories.is_empty())), "write {nth}");
        run.engine().rollback(Phase::Preflight, None).await.unwrap();
        assert!(run.is_empty(), "write {nth}, {fault:?}");
    }
}

#[tokio::test]
async fn a_crash_at_the_writes_of_the_ramp_is_survived() {
    let running = |run: &Run| {
        let gunicorns = |state: &mut migrate::sim::State| {
            let gunicorns = state.hosts.values().flat_map(|host| host.gunicorns.values());
            gunicorns.map(|copy| (copy.command_line.clone(), copy.workers.len())).collect::<Vec<_>>()
        };
        run.world.edit(gunicorns)
    };
    for (nth, fault) in (1..=3).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        let run = Run::new();
        run.engine().phase(Phase::Infrastructure).await.unwrap();
        run.engine().phase(Phase::StagingCopy).await.unwrap();
        let as_phase_2_left_it = running(&run);
        run.world.fail_write(nth, fault);
        let mut engine = run.engine();
        tokio::select! {
            biased;
            () = run.world.crashed() => {}
            ended = engine.phase(Phase::WorkerTuning) => panic!("write {nth} did not crash: {ended:?}"),
        }
        drop(engine);
        if nth == 2 {
            // Back from the middle of it.
            run.engine().rollback(Phase::StagingCopy, None).await.unwrap();
            assert_eq!(running(&run), as_phase_2_left_it, "write {nth}, {fault:?}");
        }
        run.engine().phase(Phase::WorkerTuning).await.unwrap();
        assert_eq!(running(&run)[0].1, 4, "write {nth}, {fault:?}");
        run.engine().rollback(Phase::StagingCopy, None).await.unwrap();
        assert_eq!(running(&run), as_phase_2_left_it, "write {nth}, {fault:?}");
        run.engine().rollback(Phase::Preflight, None).await.unwrap();
        assert!(run.is_empty(), "write {nth}, {fault:?}");
    }
}

#[tokio::test]
async fn bad_weather_costs_time_and_nothing_else() {
    for seed in 0..40 {
        let run = Run::new();
        run.world.noise(seed, 4);
        let mut tries = 0;
        while let Err(stop) = run.engine().phase(Phase::Infrastructure).await {
            // A gate may have been judged on what bad weather showed it; the same command asks again.
            assert!(!matches!(stop, Stop::Stuck { .. } | Stop::LeftOver(_) | Stop::Journal(_)), "seed {seed}: {stop}");
            tries += 1;
            assert!(tries < 20, "seed {seed}: {stop}");
        }
        run.made_once();
        let mut tries = 0;
        while let Err(stop) = run.engine().rollback(Phase::Preflight, None).await {
            tries += 1;
            assert!(tries < 20, "seed {seed}: {stop}");
        }
        assert!(run.is_empty(), "seed {seed}");
        assert!(!run.world.fired().is_empty(), "seed {seed}: the weather was fine");
    }
}
