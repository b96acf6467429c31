//! What is next, from every kind of state.

use migrate::core::{Contract, Effect, Event, Outcome, Phase, decide};

use crate::run::{Run, back, failed, succeeded};
use crate::support::{id, plan, planned};

fn next(run: &Run) -> Option<Effect> {
    decide(&run.state, &run.plan)
}

fn apply(step: &str) -> Effect {
    Effect::Apply(id(step))
}

fn undo(step: &str) -> Effect {
    Effect::Undo(id(step))
}

#[test]
fn nothing_is_next_without_a_command() {
    assert_eq!(next(&Run::open()), None);
    assert_eq!(next(Run::open().pass(Phase::Preflight)), None);
}

#[test]
fn steps_come_in_the_plans_order_and_then_the_phase_passes() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure);
    assert_eq!(next(&run), Some(apply("1.make")));
    run.start("1.make");
    assert_eq!(next(&run), Some(apply("1.make")), "a crash left it started: the same again");
    run.add(succeeded("1.make"));
    assert_eq!(next(&run), Some(apply("1.gate")));
    run.start("1.gate").judge("1.gate", migrate::core::Verdict::Pass).add(succeeded("1.gate"));
    assert_eq!(next(&run), Some(Effect::PassPhase(Phase::Infrastructure)));
}

#[test]
fn a_failure_waits_for_a_command_and_is_then_tried_again() {
    for outcome in [Outcome::Clean, Outcome::Unknown] {
        let mut run = Run::open();
        run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(failed("1.make", outcome));
        assert_eq!(next(&run), None);
        assert_eq!(next(run.walk(Phase::Infrastructure)), Some(apply("1.make")));
        assert_eq!(next(run.add(back(Phase::Preflight))), Some(undo("1.make")), "nothing that was started is left out");
    }
}

#[test]
fn a_broken_thing_is_removed_and_made_again() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    run.add(Event::UndoStarted { step: id("1.make") });
    assert_eq!(next(&run), Some(undo("1.make")));
    assert_eq!(next(run.add(Event::UndoFinished { step: id("1.make") })), Some(apply("1.make")));
}

#[test]
fn a_rollback_undoes_the_newest_change_first_and_only_what_was_started() {
    let mut run = Run::open();
    let both: Vec<_> = ["1.first", "1.second", "1.never"]
        .map(|step| planned(step, Phase::Infrastructure, Contract::Change))
        .into_iter()
        .chain([planned("1.look", Phase::Infrastructure, Contract::Gate)])
        .collect();
    run.plan = plan(both);
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.first").add(succeeded("1.first"));
    run.start("1.look").judge("1.look", migrate::core::Verdict::Pass).add(succeeded("1.look")).start("1.second");
    run.add(back(Phase::Preflight));
    for step in ["1.second", "1.first"] {
        assert_eq!(next(&run), Some(undo(step)), "what only looked left nothing to undo");
        run.add(Event::UndoStarted { step: id(step) });
        assert_eq!(next(&run), Some(undo(step)), "a crash left it being undone: the same again");
        run.add(Event::UndoFinished { step: id(step) });
    }
    assert_eq!(next(&run), Some(Effect::FinishRollback(Phase::Preflight)));
    run.add(Event::RollbackFinished { to: Phase::Preflight });
    assert_eq!(next(&run), None);
    assert_eq!(next(run.add(back(Phase::Preflight))), Some(Effect::FinishRollback(Phase::Preflight)), "twice is fine");
}

#[test]
fn a_rollback_stops_at_the_phase_that_is_wanted() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).start("2.soak");
    run.add(back(Phase::Infrastructure)).add(Event::UndoStarted { step: id("2.soak") });
    run.add(Event::UndoFinished { step: id("2.soak") });
    assert_eq!(next(&run), Some(Effect::FinishRollback(Phase::Infrastructure)));
    assert!(run.state.has_passed(Phase::Infrastructure));
}

#[test]
fn a_step_that_was_undone_and_made_again_is_undone_in_its_new_place() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make")).start("1.gate");
    run.add(Event::UndoStarted { step: id("1.make") }).add(Event::UndoFinished { step: id("1.make") });
    run.start("1.make").add(back(Phase::Preflight));
    assert_eq!(next(&run), Some(undo("1.make")), "it is the newest now");
}

#[test]
fn nothing_is_next_while_something_is_stuck() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(back(Phase::Preflight));
    assert_eq!(next(run.stick("1.make")), None);
    assert_eq!(next(run.add(back(Phase::Preflight))), Some(undo("1.make")), "asking again tries again");
}

#[test]
fn an_exercise_needs_a_pass_and_is_undone_like_a_change() {
    let steps = [("1.make", Contract::Change), ("1.try", Contract::Exercise)];
    let steps = steps.map(|(step, contract)| planned(step, Phase::Infrastructure, contract)).to_vec();
    let mut run = Run::open_with(plan(steps));
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make")).start("1.try");
    assert!(run.refused(succeeded("1.try")).contains("its gate was not judged"));
    run.judge("1.try", migrate::core::Verdict::Hold);
    assert!(run.refused(succeeded("1.try")).contains("its gate said"));
    run.judge("1.try", migrate::core::Verdict::Pass).add(succeeded("1.try")).add(back(Phase::Preflight));
    assert_eq!(next(&run), Some(undo("1.try")));
    assert!(run.refused(Event::RollbackFinished { to: Phase::Preflight }).contains("without undoing 1."));
    run.undo("1.try");
    assert_eq!(next(&run), Some(undo("1.make")));
}

#[test]
fn an_exercise_stands_when_something_before_it_is_made_again() {
    let steps = [("1.make", Contract::Change), ("1.try", Contract::Exercise)];
    let steps = steps.map(|(step, contract)| planned(step, Phase::Infrastructure, contract)).to_vec();
    let mut run = Run::open_with(plan(steps));
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make")).start("1.try");
    run.add(back(Phase::Preflight)).undo("1.make");
    assert_eq!(next(&run), Some(undo("1.try")), "it acted: nobody may forget that it is to be undone");
}
