//! The real engine over the real steps of phase 4 in the simulated world, two targets: killed at every write, with a bad
//! release, with a soak that says Abort.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate::core::rollout::Rollout;
use migrate::core::{Contract, Event, Holder, Phase, Plan, PlannedStep, StepId, TargetName, Verdict};
use migrate::engine::{Backoff, Cancel, Engine, EngineParts, Stop};
use migrate::journal::{Ledger, MemoryEvidence, MemoryJournal};
use migrate::ports::{Clock, EventSink, LiveTree, Silent};
use migrate::sim::{Fault, World};
use serde_json::json;

use super::site;
use super::stage::{Stage, ports};
use super::support::passed_before_production;
use super::target_stage::{self, FIRST, SECOND, on};

/// When a verdict was journalled.
struct Heard {
    world: World,
    verdict: Mutex<Option<Duration>>,
}

impl EventSink for Heard {
    fn recorded(&self, _: jiff::Timestamp, event: &Event) {
        if matches!(event, Event::GateJudged { verdict: Verdict::Abort, .. }) {
            *self.verdict.lock().unwrap() = Some(self.world.elapsed());
        }
    }
}

pub struct Run {
    pub world: World,
    plan: Plan,
    journal: MemoryJournal,
    evidence: MemoryEvidence,
    heard: Arc<Heard>,
}

pub fn rollout() -> Rollout {
    let mut rollout = site::rollout();
    rollout.soak.duration = Duration::from_secs(120).into();
    (rollout.soak.minimum_requests, rollout.soak.peak_hour_requests) = (1, None);
    rollout
}

/// The three changes of each target, and a soak by a script that guards its switch.
fn plan(rollout: Rollout) -> Plan {
    let mut steps: Vec<PlannedStep> = Vec::new();
    for step in target_stage::steps() {
        let (target, guards) = (step.target.clone().unwrap(), step.guards.clone());
        steps.push(step);
        if guards.is_some() {
            let look = "echo 100\ntest good || exit 2";
            let soak = json!({ "command_soak": { "id": "soak", "target": target, "look": look } });
            let planned = site::planned(4, &soak);
            steps.push(PlannedStep {
                id: StepId::new(format!("4.{target}.soak")),
                contract: Contract::SOAK.on(&rollout),
                guards,
                target: Some(TargetName::new(target.as_str())),
                ..planned
            });
        }
    }
    target_stage::plan_of(rollout, steps)
}

impl Run {
    /// Everything before phase 4 has passed and is proven, and phase 4 is approved.
    async fn new() -> Self {
        Self::of(rollout()).await
    }

    pub async fn of(rollout: Rollout) -> Self {
        let plan = plan(rollout);
        let before = Stage::new(plan.clone());
        let baseline = before.observe("protected_baseline").await.unwrap().facts;
        let world = before.world.clone();
        for target in [FIRST, SECOND] {
            on(&world, target, |host| host.files.insert("good".into()));
        }
        let heard = Arc::new(Heard { world: world.clone(), verdict: Mutex::default() });
        let run = Self { world, plan, journal: MemoryJournal::default(), evidence: MemoryEvidence::default(), heard };
        let (now, facts) = (run.world.now(), target_stage::known(&baseline));
        let mut events = passed_before_production(&run.plan, now, &facts);
        let expires_at = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
        let (by, reason) = ("me".to_owned(), "ready".to_owned());
        let plan = run.plan.digest().clone();
        events.push(Event::Approved { phase: Phase::Production, by, reason, expires_at, plan });
        let mut ledger = run.ledger();
        events.into_iter().for_each(|event| ledger.append(event).unwrap());
        run
    }

    fn ledger(&self) -> Ledger {
        let (store, holder) = (Box::new(self.journal.clone()), Holder::new("test"));
        Ledger::open(store, Arc::new(self.world.clone()), self.heard.clone(), holder, "test").unwrap()
    }

    /// A new process.
    pub fn engine(&self) -> Engine {
        let (read, write) = ports(&self.world);
        Engine::new(EngineParts {
            ledger: self.ledger(),
            plan: self.plan.clone(),
            evidence: Box::new(self.evidence.clone()),
            read,
            write,
            base_directory: site::root(),
            progress: Arc::new(Silent),
            cancel: Cancel::default(),
            backoff: Backoff::default(),
        })
    }

    /// Whether the targets run in a release.
    pub fn released(&self) -> [bool; 2] {
        [FIRST, SECOND].map(|target| {
            on(&self.world, target, |host| {
                assert_eq!(host.releases.live, host.releases.runs, "{target} is half switched");
                matches!(host.releases.runs, LiveTree::Release(_))
            })
        })
    }

    pub fn is_clean(&self) -> bool {
        let nothing =
            |target| on(&self.world, target, |host| host.directories.is_empty() && !host.releases.may_hand_over);
        self.released() == [false, false] && nothing(FIRST) && nothing(SECOND)
    }

    /// Kills the process at its nth write; whether there was one.
    pub async fn killed_at(&self, nth: u32, fault: Fault, back: bool) -> bool {
        self.world.fail_write(nth, fault);
        let mut engine = self.engine();
        let work = async {
            match back {
                true => engine.rollback(Phase::WorkerTuning, None).await,
                false => engine.phase(Phase::Production).await,
            }
        };
        tokio::select! {
            biased;
            () = self.world.crashed() => true,
            ended = work => { self.world.calm(); ended.unwrap(); false }
        }
    }
}

#[tokio::test]
async fn there_and_back_killed_at_every_write() {
    let (mut kills, mut back_kills) = (0, 0);
    for (nth, fault) in (1..=7).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        let run = Run::new().await;
        let place = format!("write {nth}, {fault:?}");
        kills += u32::from(run.killed_at(nth, fault, false).await);
        run.engine().phase(Phase::Production).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        assert_eq!(run.released(), [true, true], "{place}");
        for call in ["make_room", "build_release", "switch_to_release"] {
            assert_eq!(run.world.effects(&format!("target.{call}")), 2, "{place}: {call}");
        }
        back_kills += u32::from(run.killed_at(nth, fault, true).await);
        run.engine().rollback(Phase::WorkerTuning, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        assert!(run.is_clean(), "{place}");
        for call in ["switch_to_original", "remove_releases", "clear_room"] {
            assert_eq!(run.world.effects(&format!("target.{call}")), 2, "{place}: {call}");
        }
    }
    // Three writes for each of two targets; the seventh does not come.
    assert_eq!((kills, back_kills), (12, 12));
}

#[tokio::test]
async fn killed_at_every_write_it_can_be_rolled_back_from_there() {
    for (nth, fault) in (1..=6).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        let run = Run::new().await;
        assert!(run.killed_at(nth, fault, false).await, "write {nth}");
        run.engine().rollback(Phase::WorkerTuning, None).await.unwrap_or_else(|stop| panic!("write {nth}: {stop}"));
        assert!(run.is_clean(), "write {nth}, {fault:?}");
    }
}

#[tokio::test]
async fn a_release_that_does_not_come_up_never_reaches_the_second_target() {
    let run = Run::new().await;
    on(&run.world, FIRST, |host| host.releases.does_not_come_up = Some("ImportError: a bad release".into()));
    let before = on(&run.world, FIRST, |host| host.services.values().next().unwrap().main_pid);
    let stop = run.engine().phase(Phase::Production).await.unwrap_err();
    assert!(
        matches!(&stop, Stop::Failed { step, failure } if step.as_str() == "4.production-1.switch"
        && failure.message.contains("ImportError") && failure.hint.is_some()),
        "{stop}"
    );
    assert_eq!(run.released(), [false, false]);
    assert_eq!(on(&run.world, FIRST, |host| host.services.values().next().unwrap().main_pid), before);
    assert!(on(&run.world, SECOND, |host| host.directories.is_empty()));
    // Mended, the same command goes on; and back from there.
    on(&run.world, FIRST, |host| host.releases.does_not_come_up = None);
    run.engine().phase(Phase::Production).await.unwrap();
    assert_eq!(run.released(), [true, true]);
    run.engine().rollback(Phase::WorkerTuning, None).await.unwrap();
    assert!(run.is_clean());
}

#[tokio::test]
async fn a_release_that_loses_its_workers_is_taken_back_by_itself_and_by_a_process_after_a_crash() {
    for killed in [false, true] {
        let run = Run::new().await;
        on(&run.world, FIRST, |host| host.releases.habit = Some(|running| running.workers.truncate(1)));
        if killed {
            // Room, package, switch, and the way back.
            assert!(run.killed_at(4, Fault::CrashBefore, false).await);
            assert_eq!(run.released(), [true, false]);
        }
        let stop = run.engine().phase(Phase::Production).await.unwrap_err();
        assert!(
            matches!(&stop, Stop::Failed { step, failure } if step.as_str() == "4.production-1.processes"
            && failure.message.contains("runs 1 workers, not 3")),
            "{stop}"
        );
        assert_eq!(run.released(), [false, false]);
        assert!(on(&run.world, SECOND, |host| host.directories.is_empty()), "the second was never touched");
        // A scheduler does not put it back; a person may.
        assert!(run.engine().phase_once(Phase::Production).await.is_err());
        assert_eq!(run.world.effects("target.switch_to_release"), 1);
        on(&run.world, FIRST, |host| host.releases.habit = None);
        run.engine().phase(Phase::Production).await.unwrap();
        assert_eq!(run.released(), [true, true]);
    }
}

#[tokio::test]
async fn an_abort_has_the_old_release_serving_within_a_start_and_two_seconds() {
    for start in [1, 4, 30] {
        let run = Run::new().await;
        on(&run.world, FIRST, |host| {
            host.files.remove("good");
            host.releases.start_takes = Duration::from_secs(start);
        });
        let stop = run.engine().phase(Phase::Production).await.unwrap_err();
        assert!(matches!(&stop, Stop::Failed { step, .. } if step.as_str() == "4.production-1.soak"), "{stop}");
        assert_eq!(run.released(), [false, false]);
        let verdict = run.heard.verdict.lock().unwrap().unwrap();
        let served = on(&run.world, FIRST, |host| host.releases.serving_since);
        let took = served.checked_sub(verdict).expect("it served again after the verdict");
        assert!(took <= Duration::from_secs(start + 2), "{took:?} with a start of {start} s");
        assert!(on(&run.world, SECOND, |host| host.directories.is_empty()), "the second was never touched");
        // What the phase built on is kept: the same command may try again.
        assert_eq!(run.world.effects("target.remove_releases"), 0);
    }
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_holds_the_run_and_both_ways_work_afterwards() {
    for back in [false, true] {
        let run = Run::new().await;
        on(&run.world, SECOND, |host| {
            host.unreachable = Some(migrate::core::Failure::transient("ssh: connect: No route to host"));
        });
        let stop = run.engine().phase(Phase::Production).await.unwrap_err();
        assert!(format!("{stop}").contains("No route to host"), "{stop}");
        assert_eq!(run.released(), [true, false], "the first one stays as it is");
        on(&run.world, SECOND, |host| host.unreachable = None);
        if back {
            run.engine().rollback(Phase::WorkerTuning, None).await.unwrap();
            assert!(run.is_clean());
        } else {
            run.engine().phase(Phase::Production).await.unwrap();
            assert_eq!(run.released(), [true, true]);
        }
    }
}

#[tokio::test]
async fn bad_weather_costs_time_and_nothing_else() {
    for seed in 0..10 {
        let run = Run::new().await;
        run.world.noise(seed, 8);
        let mut tries = 0;
        while let Err(stop) = run.engine().phase(Phase::Production).await {
            assert!(!matches!(stop, Stop::Stuck { .. } | Stop::LeftOver(_) | Stop::Journal(_)), "seed {seed}: {stop}");
            tries += 1;
            assert!(tries < 20, "seed {seed}: {stop}");
        }
        assert_eq!(run.released(), [true, true], "seed {seed}");
        while let Err(stop) = run.engine().rollback(Phase::WorkerTuning, None).await {
            tries += 1;
            assert!(tries < 40, "seed {seed}: {stop}");
        }
        assert!(run.is_clean(), "seed {seed}");
    }
}

#[test]
fn the_plan_has_both_targets_in_their_order() {
    let ids: BTreeMap<usize, String> =
        plan(rollout()).steps().iter().skip(1).map(|step| step.id.to_string()).enumerate().collect();
    assert_eq!(ids[&0], "4.production-1.room");
    assert_eq!(ids[&5], "4.production-2.room");
    assert_eq!(ids.len(), 10);
}
