//! A rehearsal in the simulator: there and back, cut at every line, interrupted, stuck, too slow, and rolled back.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate::core::{Contract, FailureClass, Phase, Plan, PlannedStep, Resolution, StepId, StepStatus};
use migrate::engine::{Signal, Stop};
use migrate::ports::Clock;
use migrate::sim::Fault;
use serde_json::json;

use crate::soak_stage::step;
use crate::stage::{Command, Cut, End, Stage, was_killed};

const CUTS: [Cut; 2] = [Cut::Before, Cut::After];

/// A script that makes a file, and perhaps fails without another.
fn command(name: &str, run: &str, file: &str) -> PlannedStep {
    let (verify, undo) = (format!("test {file}"), format!("rm {file}"));
    let settings = json!({ "target": "staging", "run": run, "verify": verify, "undo": undo });
    step(name, "command", Contract::Change, settings)
}

/// Preflight and phase 1 as they are; a phase 2 of two scripts, a look at what they made, and the rehearsal.
fn plan() -> Plan {
    let whole = Stage::new().plan;
    let mut steps: Vec<_> = whole.steps().iter().filter(|step| step.phase < Phase::StagingCopy).cloned().collect();
    steps.extend([
        command("2.copy", "touch copy", "copy"),
        step("2.cost", "cost_gate", Contract::Gate, json!({})),
        command("2.process", "test copy\ntouch process", "process"),
        step("2.rehearsal", "rollback_rehearsal", Contract::Rehearsal, json!({})),
        step("2.after", "cost_gate", Contract::Gate, json!({})),
    ]);
    Plan::new(whole.rollout().clone(), BTreeMap::new(), steps, BTreeMap::new()).unwrap()
}

/// Phase 1 has passed.
async fn ready() -> Stage {
    let stage = Stage::with(plan());
    stage.run(Command::Phase, None).await.expect("nothing goes wrong");
    stage
}

/// Phase 2 has passed; how it ended, and in how many lines.
async fn whole() -> (Stage, End, usize) {
    let stage = ready().await;
    let before = stage.lines();
    stage.run(Command::Copy, None).await.expect("nothing goes wrong");
    let (end, lines) = (stage.end().await, stage.lines() - before);
    assert!(end.passed.contains(&Phase::StagingCopy));
    (stage, end, lines)
}

/// What stands on staging.
fn files(stage: &Stage) -> Vec<String> {
    let host = stage.plan.rollout().staging.host.to_string();
    stage.world.edit(|state| state.hosts[&host].files.iter().cloned().collect())
}

/// Asserts that both scripts were run and undone so often, and stand.
fn made_and_removed(stage: &Stage, made: usize, removed: usize, place: &str) {
    assert_eq!(stage.world.effects("target.execute"), made, "{place}: made");
    assert_eq!(stage.world.effects("target.revert"), removed, "{place}: removed");
    assert_eq!(files(stage), ["copy", "process"], "{place}");
}

fn status(stage: &Stage, step: &str) -> Option<StepStatus> {
    stage.state().status(&StepId::new(step))
}

#[tokio::test]
async fn a_phase_undoes_and_redoes_itself_and_the_record_says_how_long_it_took() {
    let (stage, ..) = whole().await;
    made_and_removed(&stage, 4, 2, "a whole run");
    let state = stage.state();
    let record = state.step(&StepId::new("2.rehearsal")).expect("it was walked");
    let [evidence] = record.evidence.as_slice() else { panic!("{:?}", record.evidence) };
    assert!(evidence.summary.starts_with("rollback rehearsed: undone in 0."), "{}", evidence.summary);
    assert_eq!(evidence.resource, "staging");
    let learnt: Vec<_> = record.facts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(learnt, ["rehearsal.redo_seconds", "rehearsal.undo_seconds"]);
    let order: Vec<_> = stage.world.writes().into_iter().map(|write| write.step.to_string()).collect();
    let of_phase_2: Vec<_> = order.iter().filter(|step| step.starts_with("2.")).map(String::as_str).collect();
    assert_eq!(of_phase_2, ["2.copy", "2.process", "2.process", "2.copy", "2.copy", "2.process"]);
}

#[tokio::test]
async fn cut_at_every_line_it_ends_the_same() {
    let (_, end, lines) = whole().await;
    assert!(lines > 25, "{lines} lines");
    for line in 1..=lines {
        for cut in CUTS {
            let place = format!("{cut:?} line {line}");
            let stage = ready().await;
            assert!(was_killed(&stage.run(Command::Copy, Some((line, cut))).await), "{place}");
            stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            // Only the lease was left to let go of: the phase had passed, and asked for again it is looked at again.
            let walked_twice = line == lines || (line == lines - 1 && cut == Cut::After);
            let (made, removed) = if walked_twice { (6, 4) } else { (4, 2) };
            made_and_removed(&stage, made, removed, &place);
            assert_eq!(stage.end().await, end, "{place}");
        }
    }
}

#[tokio::test]
async fn cut_at_every_line_it_can_be_rolled_back() {
    let (_, _, lines) = whole().await;
    for line in 1..=lines {
        let place = format!("line {line}");
        let stage = ready().await;
        assert!(was_killed(&stage.run(Command::Copy, Some((line, Cut::After))).await), "{place}");
        stage.run(Command::RemoveCopy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        assert_eq!(files(&stage), Vec::<String>::new(), "{place}");
        assert_eq!(stage.state().furthest_phase(), Some(Phase::Infrastructure), "{place}");
        assert!(stage.state().has_passed(Phase::Infrastructure), "{place}");
    }
}

#[tokio::test]
async fn interrupted_after_every_event_it_goes_on() {
    let (_, end, lines) = whole().await;
    for after in 1..lines - 1 {
        let place = format!("Ctrl-C after event {after}");
        let stage = ready().await;
        let ended = stage.interrupted(Command::Copy, after).await;
        assert_eq!(ended, Err(Stop::Signalled(Signal::Interrupt)), "{place}");
        stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        made_and_removed(&stage, 4, 2, &place);
        assert_eq!(stage.end().await, end, "{place}");
    }
}

#[tokio::test]
async fn killed_inside_every_write_it_ends_the_same() {
    let (_, end, _) = whole().await;
    for write in 1..=6 {
        for crash in [Fault::CrashBefore, Fault::CrashAfter] {
            let place = format!("{crash:?} write {write}");
            let stage = ready().await;
            stage.world.fail_write(write, crash);
            assert!(was_killed(&stage.run(Command::Copy, None).await), "{place}");
            stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            made_and_removed(&stage, 4, 2, &place);
            assert_eq!(stage.end().await, end, "{place}");
        }
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_waited_out() {
    let (_, end, _) = whole().await;
    for write in 1..=6 {
        for fault in [Fault::Throttle, Fault::LostReply, Fault::LostBefore] {
            let place = format!("{fault:?} at write {write}");
            let stage = ready().await;
            stage.world.fail_write(write, fault);
            stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(stage.world.fired().len(), 1, "{place}: it failed at the place that was meant");
            made_and_removed(&stage, 4, 2, &place);
            assert_eq!(stage.end().await, end, "{place}");
        }
    }
}

/// The first undo of the rehearsal is refused for good.
async fn stuck() -> Stage {
    let stage = ready().await;
    stage.world.fail("target.revert", 1, Fault::Permanent);
    let stop = stage.run(Command::Copy, None).await.expect_err("its undo is refused");
    assert!(matches!(&stop, Stop::Stuck { step, .. } if step.as_str() == "2.process"), "{stop}");
    assert_eq!(files(&stage), ["copy", "process"]);
    stage
}

#[tokio::test]
async fn an_undo_that_is_stuck_is_settled_and_the_same_command_goes_on() {
    let (_, end, _) = whole().await;
    for resolution in [Resolution::Retried, Resolution::Adopted] {
        let stage = stuck().await;
        let refused = stage.run(Command::Copy, None).await.expect_err("a person has to look first");
        assert!(matches!(refused, Stop::Stuck { .. }), "{refused}");
        stage.settle(resolution);
        stage.run(Command::Copy, None).await.expect("it goes on");
        made_and_removed(&stage, 4, 2, "settled");
        assert_eq!(stage.end().await, end);
    }
}

#[tokio::test]
async fn what_was_removed_by_hand_is_forgotten_and_made_again() {
    let stage = stuck().await;
    let host = stage.plan.rollout().staging.host.to_string();
    stage.world.edit(|state| state.hosts.get_mut(&host).unwrap().files.remove("process"));
    stage.settle(Resolution::Forgotten);
    stage.run(Command::Copy, None).await.expect("it goes on");
    made_and_removed(&stage, 4, 1, "forgotten");
}

#[tokio::test]
async fn a_stuck_rehearsal_can_be_rolled_back() {
    let stage = stuck().await;
    stage.run(Command::RemoveCopy, None).await.expect("the second try is not refused");
    assert_eq!(files(&stage), Vec::<String>::new());
    assert_eq!(stage.state().furthest_phase(), Some(Phase::Infrastructure));
}

#[tokio::test]
async fn one_that_took_too_long_fails_and_is_rehearsed_again() {
    let (_, _, lines) = whole().await;
    let (mut slow_back, mut slow_forth) = (0, 0);
    for line in 1..=lines {
        let stage = ready().await;
        assert!(was_killed(&stage.run(Command::Copy, Some((line, Cut::After))).await));
        // Nobody rehearses for a while.
        stage.world.sleep(Duration::from_secs(601)).await;
        let Err(stop) = stage.run(Command::Copy, None).await else { continue };
        let Stop::Failed { failure, .. } = &stop else { panic!("line {line}: {stop}") };
        assert_eq!(failure.class, FailureClass::Gate, "line {line}");
        slow_back += usize::from(failure.message.contains("undone in 60") && failure.message.contains("more than 5m"));
        slow_forth +=
            usize::from(failure.message.contains("redone in 60") && failure.message.contains("more than 10m"));
        assert_eq!(status(&stage, "2.process"), Some(StepStatus::Succeeded), "what was redone stands");
        stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("line {line}: {stop}"));
        made_and_removed(&stage, 6, 4, "rehearsed twice");
    }
    assert!(slow_back >= 5 && slow_forth >= 5, "{slow_back}, {slow_forth}");
}

#[tokio::test]
async fn a_phase_that_is_walked_again_rehearses_again() {
    let (stage, end, _) = whole().await;
    stage.run(Command::Copy, None).await.expect("it still works");
    made_and_removed(&stage, 6, 4, "walked twice");
    assert_eq!(stage.end().await, end);
}
