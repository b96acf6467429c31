//! Two production targets in the simulator, one after the other, each with a soak that guards its change.

use std::collections::BTreeMap;

use migrate::core::rollout::{OnAbort, Rollout};
use migrate::core::{Event, Exit, Facts, Phase, Plan, StepId, StepStatus, Verdict};
use migrate::engine::Stop;
use migrate::ports::Clock;
use migrate::sim::World;

use crate::soak_stage::{Fate, of, script, short, soak, status};
use crate::stage::{Command, Cut, Stage, was_killed};
use crate::support::passed_before_production;

const TARGETS: [&str; 2] = ["production-1", "production-2"];

fn plan(rollout: Rollout) -> Plan {
    let steps = TARGETS.map(|target| {
        let switch = format!("4.{target}.switch");
        let watch = soak(&format!("4.{target}.soak"), target, &switch, &rollout);
        [of(target, script(&switch, target, "release")), of(target, watch)]
    });
    Plan::new(rollout, BTreeMap::new(), steps.concat(), BTreeMap::new()).expect("a plan")
}

/// A host of production.
fn host(rollout: &Rollout, target: &str) -> String {
    let found = rollout.production.targets.iter().find(|known| known.name.as_str() == target);
    found.expect("a target").host.to_string()
}

fn put(world: &World, target: &str, file: &str) {
    let host = host(&short(), target);
    world.edit(|state| state.hosts.get_mut(&host).expect("a host").files.insert(file.to_owned()));
}

fn take(world: &World, target: &str, file: &str) {
    let host = host(&short(), target);
    world.edit(|state| state.hosts.get_mut(&host).expect("a host").files.remove(file));
}

fn released(stage: &Stage) -> [bool; 2] {
    TARGETS.map(|target| {
        let host = host(stage.plan.rollout(), target);
        stage.world.edit(|state| state.hosts[&host].files.contains("release"))
    })
}

/// Everything before phase 4 has passed, is proven, and phase 4 is approved for so many seconds.
fn ready(rollout: Rollout, approved_for: i64) -> Stage {
    let stage = Stage::with(plan(rollout));
    for target in TARGETS {
        ["healthy", "steady", "clear"].iter().for_each(|file| put(&stage.world, target, file));
    }
    approved(&stage, approved_for, &Facts::new());
    stage
}

/// Everything before phase 4 has passed, is proven, has taught these facts, and phase 4 is approved for so many seconds.
pub fn approved(stage: &Stage, approved_for: i64, facts: &Facts) {
    stage.journalled(passed_before_production(&stage.plan, stage.world.now(), facts));
    approve(stage, approved_for);
}

/// Phase 4 is approved for so many seconds from now on.
fn approve(stage: &Stage, seconds: i64) {
    let expires_at = stage.world.now().checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a moment");
    let (by, reason, plan) = ("me".to_owned(), "ready".to_owned(), stage.plan.digest().clone());
    stage.journalled(vec![Event::Approved { phase: Phase::Production, by, reason, expires_at, plan }]);
}

#[tokio::test]
async fn the_second_follows_when_the_first_was_watched_for_long_enough() {
    let stage = ready(short(), 86_400);
    stage.run(Command::Production, None).await.expect("nothing goes wrong");
    assert_eq!(released(&stage), [true, true]);
    let order: Vec<String> = stage
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::StepStarted { step, .. } => Some(format!("{step} started")),
            Event::StepSucceeded { step, .. } => Some(format!("{step} done")),
            _ => None,
        })
        .filter(|line| line.starts_with("4."))
        .collect();
    let expected = TARGETS.map(|target| {
        ["switch started", "switch done", "soak started", "soak done"].map(|what| format!("4.{target}.{what}"))
    });
    assert_eq!(order, expected.concat());
}

#[tokio::test]
async fn a_bad_first_target_is_taken_back_and_the_second_never_touched_though_the_approval_has_expired() {
    let stage = ready(short(), 100);
    let fate = Fate::of(&stage).after(3, |world| take(world, "production-1", "healthy"));
    let stop = stage.heard(Command::Production, fate.sink()).await.expect_err("it is bad");
    assert_eq!(stop.exit(), Exit::GateFailed, "{stop}");
    assert_eq!(released(&stage), [false, false]);
    assert_eq!(stage.world.effects("target.execute"), 1, "the second one was never written on");
    assert_eq!(status(&stage, "4.production-2.switch"), None);
}

#[tokio::test]
async fn the_second_waits_for_another_approval_when_the_first_one_ended_in_the_soak() {
    // The soak takes five minutes: it goes on without an approval, and the change after it does not.
    let stage = ready(short(), 200);
    let stop = stage.run(Command::Production, None).await.expect_err("the approval has ended");
    assert_eq!(stop.exit(), Exit::Waiting, "{stop}");
    let words = "4.production-2.switch waits: phase 4 is not approved, or its approval no longer holds";
    assert_eq!(stop.to_string(), words);
    assert!(stop.hint().is_some_and(|hint| hint.starts_with("`migrate approve 4 --reason WHY`")), "{stop:?}");
    assert_eq!(released(&stage), [true, false]);
    assert_eq!(status(&stage, "4.production-1.soak"), Some(StepStatus::Succeeded));
    assert_eq!(status(&stage, "4.production-2.switch"), None, "nothing was begun");
    let again = stage.run(Command::Production, None).await.expect_err("still nobody has approved");
    assert_eq!(again.to_string(), words);
    approve(&stage, 86_400);
    stage.run(Command::Production, None).await.expect("approved again");
    assert_eq!(released(&stage), [true, true]);
}

#[tokio::test]
async fn the_second_waits_for_the_change_window() {
    let mut rollout = short();
    // The world begins at noon.
    let window = serde_json::json!({ "from": "11:00", "to": "12:03" });
    rollout.production.change_window = Some(serde_json::from_value(window).expect("a window"));
    let stage = ready(rollout, 3 * 86_400);
    let stop = stage.run(Command::Production, None).await.expect_err("the window has closed");
    assert_eq!(stop.exit(), Exit::Waiting, "{stop}");
    let words = "4.production-2.switch waits: the change window is closed until 2025-07-30T11:00:00Z";
    assert_eq!(stop.to_string(), words);
    assert_eq!(released(&stage), [true, false]);
    stage.run(Command::Production, None).await.expect_err("it is still closed");
    stage.world.sleep(std::time::Duration::from_secs(23 * 3_600)).await;
    stage.run(Command::Production, None).await.expect("it is open again");
    assert_eq!(released(&stage), [true, true]);
}

#[tokio::test]
async fn phase_4_is_not_entered_outside_of_the_window_and_left_at_any_hour() {
    let mut rollout = short();
    let window = serde_json::json!({ "from": "11:00", "to": "12:01" });
    rollout.production.change_window = Some(serde_json::from_value(window).expect("a window"));
    let stage = ready(rollout, 3 * 86_400);
    stage.world.sleep(std::time::Duration::from_secs(120)).await;
    let stop = stage.run(Command::Production, None).await.expect_err("the window is closed");
    assert_eq!(
        stop.to_string(),
        "phase 4 may not be entered yet: the change window is closed until 2025-07-30T11:00:00Z"
    );
    stage.world.sleep(std::time::Duration::from_secs(23 * 3_600 + 58 * 60)).await;
    drop(stage.run(Command::Production, None).await);
    assert_eq!(released(&stage), [true, false]);
    stage.run(Command::LeaveProduction, None).await.expect("whatever the hour");
    assert_eq!(released(&stage), [false, false]);
}

#[tokio::test]
async fn a_change_that_a_crash_interrupted_is_brought_to_its_end_outside_of_the_window() {
    let mut rollout = short();
    let window = serde_json::json!({ "from": "11:00", "to": "12:01" });
    rollout.production.change_window = Some(serde_json::from_value(window).expect("a window"));
    let stage = ready(rollout, 3 * 86_400);
    // The lease, the phase, the intent: the process dies after that.
    assert!(was_killed(&stage.run(Command::Production, Some((3, Cut::After))).await));
    assert_eq!(status(&stage, "4.production-1.switch"), Some(StepStatus::Started));
    stage.world.sleep(std::time::Duration::from_secs(600)).await;
    let stop = stage.run(Command::Production, None).await.expect_err("the second one waits");
    assert_eq!(released(&stage), [true, false], "{stop}");
    assert!(stop.to_string().starts_with("4.production-2.switch waits: the change window"), "{stop}");
}

#[tokio::test]
async fn a_bad_second_target_leaves_the_first_one_as_it_is() {
    let stage = ready(short(), 86_400);
    let fate = Fate::of(&stage).after(7, |world| take(world, "production-2", "healthy"));
    let stop = stage.heard(Command::Production, fate.sink()).await.expect_err("it is bad");
    assert!(matches!(&stop, Stop::Failed { step, .. } if step.as_str() == "4.production-2.soak"), "{stop}");
    assert_eq!(released(&stage), [true, false]);
    assert_eq!(status(&stage, "4.production-1.soak"), Some(StepStatus::Succeeded));
    stage.run(Command::LeaveProduction, None).await.expect("a rollback goes from here");
    assert_eq!(released(&stage), [false, false]);
}

#[tokio::test]
async fn told_to_wait_for_a_person_it_waits() {
    let mut rollout = short();
    rollout.production.on_abort = OnAbort::Wait;
    let stage = ready(rollout, 86_400);
    let fate = Fate::of(&stage).after(1, |world| take(world, "production-1", "healthy"));
    let stop = stage.heard(Command::Production, fate.sink()).await.expect_err("it is bad");
    assert_eq!(stop.exit(), Exit::GateFailed);
    assert_eq!(released(&stage), [true, false], "a person decides");
    stage.run(Command::LeaveProduction, None).await.expect("back");
    assert_eq!(released(&stage), [false, false]);
}

#[tokio::test]
async fn cut_at_every_line_an_abort_is_carried_out_by_the_same_command_without_an_approval() {
    let whole = ready(short(), 50);
    take(&whole.world, "production-1", "healthy");
    let before = whole.lines();
    drop(whole.run(Command::Production, None).await);
    let mut carried_out = 0;
    for line in 1..=whole.lines() - before {
        let place = format!("line {line}");
        let stage = ready(short(), 50);
        take(&stage.world, "production-1", "healthy");
        assert!(was_killed(&stage.run(Command::Production, Some((line, Cut::After))).await), "{place}");
        let judged = stage.state().step(&StepId::new("4.production-1.soak")).and_then(|record| record.verdict);
        let stood = released(&stage)[0];
        let stop = stage.heard(Command::Production, Fate::of(&stage).sink()).await.expect_err(&place);
        // Without a verdict a lapsed approval refuses the phase; after it nothing holds the undo up.
        assert!([Exit::GateFailed, Exit::Waiting].contains(&stop.exit()), "{place}: {stop}");
        if judged == Some(Verdict::Abort) {
            assert_eq!(released(&stage), [false, false], "{place}");
            carried_out += usize::from(stood);
        }
    }
    assert!(carried_out >= 3, "{carried_out}");
}
