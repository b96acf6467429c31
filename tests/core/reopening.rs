//! What stops counting: after a new plan, after a settled or repeated step, when a finished phase is walked again.

use migrate::core::{
    ChecklistItem, Digest, Event, Facts, Outcome, Phase, PlanDigest, Proof, Resolution, StepStatus, Verdict, proof,
};

use crate::run::{Run, back, failed, succeeded};
use crate::support::{at, evidence, id};

fn replaced(plan: &PlanDigest) -> Event {
    Event::PlanReplaced { plan: plan.clone(), by: "me".into(), reason: "new thresholds".into() }
}

fn other_plan() -> PlanDigest {
    PlanDigest(Digest::of(b"other"))
}

fn reopened(run: &Run, step: &str) -> bool {
    run.state.status(&id(step)) == Some(StepStatus::Failed(Outcome::Unknown))
}

#[test]
fn a_new_plan_leaves_nothing_passed_or_observed() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).start("2.soak");
    run.add(Event::SoakObserved { step: id("2.soak"), seconds: 9, window: None }).add(replaced(&other_plan()));
    assert!(reopened(&run, "1.make") && reopened(&run, "1.gate") && reopened(&run, "2.soak"));
    assert!(!run.state.has_passed(Phase::Preflight));
    assert_eq!(run.state.step(&id("2.soak")).expect("started").observed_seconds, 0, "observed under other gates");
    assert!(run.state.facts().is_empty());
}

#[test]
fn a_new_plan_does_not_stop_a_rollback() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).add(back(Phase::Preflight)).add(replaced(&other_plan()));
    assert_eq!(run.state.direction(), migrate::core::Direction::Back(Phase::Preflight));
}

#[test]
fn a_finished_phase_that_is_walked_again_looks_again() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).pass(Phase::StagingCopy).walk(Phase::StagingCopy);
    assert!(reopened(&run, "2.soak"), "its evidence could never be renewed otherwise");
    assert!(!run.state.has_passed(Phase::StagingCopy) && run.state.has_passed(Phase::Infrastructure));
    assert_eq!(run.state.status(&id("1.make")), Some(StepStatus::Succeeded), "earlier phases stay as they are");
    run.start("2.soak").judge("2.soak", Verdict::Pass);
    assert!(run.refused(succeeded("2.soak")).ends_with("0 of 10 s observed"));
}

#[test]
fn a_phase_that_is_resumed_does_not_repeat_what_succeeded() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make"));
    run.start("1.gate").add(failed("1.gate", Outcome::Clean)).walk(Phase::Infrastructure);
    assert_eq!(run.state.status(&id("1.make")), Some(StepStatus::Succeeded));
    assert_eq!(run.state.status(&id("1.gate")), Some(StepStatus::Failed(Outcome::Clean)));
}

#[test]
fn a_crash_just_before_a_phase_passes_costs_nothing() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).start("2.soak");
    run.add(Event::SoakObserved { step: id("2.soak"), seconds: 10, window: None }).judge("2.soak", Verdict::Pass);
    run.add(succeeded("2.soak")).walk(Phase::StagingCopy);
    assert_eq!(run.state.status(&id("2.soak")), Some(StepStatus::Succeeded), "or it would never end");
}

#[test]
fn a_phase_that_lost_its_pass_to_an_earlier_one_looks_again_and_keeps_its_soak() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).pass(Phase::StagingCopy).walk(Phase::Infrastructure);
    run.start("1.make").add(succeeded("1.make")).start("1.gate").judge("1.gate", Verdict::Pass);
    run.add(succeeded("1.gate")).add(Event::PhasePassed { phase: Phase::Infrastructure }).walk(Phase::StagingCopy);
    assert!(reopened(&run, "2.soak"));
    run.start("2.soak").judge("2.soak", Verdict::Pass).add(succeeded("2.soak"));
}

/// A run whose `1.make` has learnt, measured and got stuck.
fn stuck_with_evidence() -> Run {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    let evidence = evidence(run.plan.digest(), at(0), Verdict::Pass, &[ChecklistItem::ClusterCreated]);
    let facts = Facts::new().with("cluster.endpoint", "here");
    run.add(Event::StepSucceeded { step: id("1.make"), facts, evidence: vec![evidence] });
    run.add(back(Phase::Preflight)).stick("1.make");
    run
}

fn is_proven(run: &Run) -> bool {
    matches!(proof(&run.state, &run.plan, ChecklistItem::ClusterCreated, at(1)), Proof::Proven(_))
}

fn settle(run: &mut Run, resolution: Resolution) {
    run.add(Event::settled(id("1.make"), resolution, "me", "looked"));
}

#[test]
fn a_forgotten_thing_proves_nothing() {
    let mut run = stuck_with_evidence();
    settle(&mut run, Resolution::Forgotten);
    assert_eq!(run.state.status(&id("1.make")), Some(StepStatus::Undone));
    assert!(!is_proven(&run));
    assert!(run.state.facts().is_empty());
}

#[test]
fn an_adopted_thing_keeps_what_it_proved() {
    let mut run = stuck_with_evidence();
    settle(&mut run, Resolution::Adopted);
    assert_eq!(run.state.status(&id("1.make")), Some(StepStatus::Succeeded));
    assert!(is_proven(&run));
}

#[test]
fn a_retried_thing_is_undone_by_the_next_rollback() {
    let mut run = stuck_with_evidence();
    settle(&mut run, Resolution::Retried);
    assert!(reopened(&run, "1.make"));
    run.add(back(Phase::Preflight)).add(Event::UndoStarted { step: id("1.make") });
}

#[test]
fn a_rollback_tries_stuck_steps_again_by_itself() {
    let mut run = stuck_with_evidence();
    run.add(back(Phase::Preflight));
    assert!(reopened(&run, "1.make") && run.state.stuck().is_none());
}

#[test]
fn an_undone_step_has_forgotten_everything() {
    let mut run = stuck_with_evidence();
    run.add(back(Phase::Preflight)).add(Event::UndoStarted { step: id("1.make") });
    run.add(Event::UndoFinished { step: id("1.make") });
    let record = run.state.step(&id("1.make")).expect("it is remembered as undone");
    assert_eq!((record.attempts, record.observed_seconds, record.evidence.len()), (0, 0, 0));
    assert!(!is_proven(&run));
    assert_eq!(run.state.furthest_phase(), Some(Phase::Preflight));
}

#[test]
fn a_gate_that_passed_on_what_is_gone_is_judged_again() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).add(back(Phase::Preflight));
    run.add(Event::UndoStarted { step: id("1.make") });
    assert_eq!(run.state.status(&id("1.gate")), Some(StepStatus::Succeeded), "it may be there still");
    run.add(Event::UndoFinished { step: id("1.make") });
    assert_eq!(run.state.status(&id("1.gate")), Some(StepStatus::Undone));
    assert_eq!(run.state.status(&id("0.look")), Some(StepStatus::Succeeded), "what was seen before it stays");
}

#[test]
fn a_gate_that_passed_on_what_is_forgotten_is_judged_again() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).add(back(Phase::Preflight)).stick("1.make");
    settle(&mut run, Resolution::Forgotten);
    assert_eq!(run.state.status(&id("1.gate")), Some(StepStatus::Undone));
}

#[test]
fn a_retried_undo_leaves_no_verdict_on_a_thing_that_may_be_gone() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).done("1.make");
    run.start("1.gate").judge("1.gate", Verdict::Pass).add(succeeded("1.gate"));
    // Broken, it is removed before it is made again, and the undo is reported as failed.
    run.stick("1.make");
    assert_eq!(run.state.status(&id("1.gate")), Some(StepStatus::Succeeded), "so far");
    settle(&mut run, Resolution::Retried);
    let gate = run.state.step(&id("1.gate")).expect("it was started");
    assert_eq!((gate.status, gate.verdict), (StepStatus::Undone, None));
}
