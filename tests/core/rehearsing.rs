//! A rehearsal: begun when everything before it is done, turned when nothing stands, judged when everything is redone.

use migrate::core::{
    Digest, Effect, Event, Facts, Outcome, Phase, PlanDigest, Rehearsal, Resolution, StepRecord, StepStatus, Verdict,
    decide,
};

use crate::run::{Run, back, failed, rehearsed_plan, succeeded};
use crate::support::{at, id};

const STEP: &str = "2.rehearsal";

fn next(run: &Run) -> Option<Effect> {
    decide(&run.state, &run.plan)
}

fn began() -> Event {
    Event::RehearsalBegan { step: id(STEP), at: at(100) }
}

fn turned() -> Event {
    Event::RehearsalTurned { step: id(STEP), at: at(160) }
}

fn rehearsing(run: &Run) -> Option<Rehearsal> {
    run.state.step(&id(STEP)).and_then(StepRecord::rehearsing)
}

/// Everything before the rehearsal is done.
fn due() -> Run {
    let mut run = Run::open_with(rehearsed_plan());
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy);
    run.done("2.copy").done("2.look").done("2.process");
    run
}

/// The rehearsal has begun.
fn going_back() -> Run {
    let mut run = due();
    run.start(STEP).add(began());
    run
}

/// Nothing of the phase is left.
fn empty() -> Run {
    let mut run = going_back();
    run.undo("2.process").undo("2.copy");
    run
}

/// Everything is redone.
fn redone() -> Run {
    let mut run = empty();
    run.add(turned()).done("2.copy").done("2.look").done("2.process");
    run
}

/// It has passed.
fn passed() -> Run {
    let mut run = redone();
    run.done(STEP);
    run
}

#[test]
fn it_is_walked_there_and_back_and_judged() {
    let mut run = due();
    assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))));
    run.start(STEP);
    assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))), "a crash before it began: it begins again");
    run.add(began());
    for step in ["2.process", "2.copy"] {
        assert_eq!(next(&run), Some(Effect::Undo(id(step))), "the newest first");
        run.add(Event::UndoStarted { step: id(step) });
        assert_eq!(next(&run), Some(Effect::Undo(id(step))), "a crash left it being undone: the same again");
        run.add(Event::UndoFinished { step: id(step) });
    }
    assert_eq!(run.state.status(&id("2.look")), Some(StepStatus::Undone), "it was judged on what is gone");
    assert_eq!(next(&run), Some(Effect::TurnRehearsal(id(STEP))));
    run.add(turned());
    for step in ["2.copy", "2.look", "2.process"] {
        assert_eq!(next(&run), Some(Effect::Apply(id(step))), "in the plan's order");
        run.done(step);
    }
    assert_eq!(next(&run), Some(Effect::Apply(id(STEP))));
    run.done(STEP);
    assert_eq!(next(&run), Some(Effect::Apply(id("2.soak"))), "once is enough");
}

#[test]
fn it_knows_when_it_began_and_turned() {
    let facts = redone().state.facts();
    let fact = |name| facts.get(&migrate::core::FactName::new(name)).map(ToString::to_string);
    assert_eq!(fact("rehearsal.began"), Some(at(100).to_string()));
    assert_eq!(fact("rehearsal.turned"), Some(at(160).to_string()));
    let mut run = redone();
    run.start(STEP).judge(STEP, Verdict::Pass);
    let learnt = Facts::new().with("rehearsal.undo_seconds", "60");
    run.add(Event::StepSucceeded { step: id(STEP), facts: learnt, evidence: Vec::new() });
    assert!(run.state.facts().iter().all(|(name, _)| name.as_str() != "rehearsal.began"), "what it took stays");
}

#[test]
fn it_does_not_begin_before_its_turn() {
    let mut run = due();
    assert_eq!(run.refused(began()), "illegal event: 2.rehearsal was never started");
    run.start(STEP);
    let other = Event::RehearsalBegan { step: id("2.copy"), at: at(0) };
    assert_eq!(run.refused(other), "illegal event: 2.copy is Succeeded, not Started");
    run.add(began());
    assert_eq!(run.refused(began()), "illegal event: 2.rehearsal is at Some(Back), not at None");
    let mut early = Run::open_with(rehearsed_plan());
    early.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).done("2.copy").start(STEP);
    assert_eq!(early.refused(began()), "illegal event: 2.rehearsal began although 2.look has not succeeded");
    early.start("2.look");
    let look = Event::RehearsalBegan { step: id("2.look"), at: at(0) };
    assert_eq!(early.refused(look), "illegal event: 2.look is not a rehearsal");
}

#[test]
fn it_does_not_turn_while_something_stands() {
    let mut run = due();
    run.start(STEP);
    assert_eq!(run.refused(turned()), "illegal event: 2.rehearsal is at None, not at Some(Back)");
    run.add(began());
    assert_eq!(run.refused(turned()), "illegal event: 2.rehearsal turned without undoing 2.copy");
    run.undo("2.copy");
    assert_eq!(run.refused(turned()), "illegal event: 2.rehearsal turned without undoing 2.process");
    run.add(Event::UndoStarted { step: id("2.process") });
    assert_eq!(run.refused(turned()), "illegal event: 2.rehearsal turned without undoing 2.process");
    run.add(Event::UndoFinished { step: id("2.process") }).add(turned());
    assert_eq!(run.refused(turned()), "illegal event: 2.rehearsal is at Some(Forth), not at Some(Back)");
}

#[test]
fn nothing_is_redone_before_it_turned() {
    let mut run = going_back();
    run.undo("2.process");
    for step in ["2.process", "2.copy", STEP, "2.soak"] {
        let said = run.refused(run.started(step));
        assert_eq!(said, format!("illegal event: {step} started before 2.rehearsal has undone the phase"));
    }
}

#[test]
fn it_is_not_judged_before_everything_is_redone() {
    let judged =
        || Event::GateJudged { step: id(STEP), verdict: Verdict::Pass, reason: String::new(), evidence: Vec::new() };
    let early = |why| format!("illegal event: 2.rehearsal was judged too early: {why}");
    let mut run = due();
    run.start(STEP);
    assert_eq!(run.refused(judged()), early("its phase was not undone"));
    assert_eq!(empty().refused(judged()), early("its phase was not undone"));
    let mut run = empty();
    run.add(turned()).done("2.copy");
    assert_eq!(run.refused(judged()), early("2.look is not redone"));
}

#[test]
fn it_succeeds_only_turned_redone_and_judged() {
    let cannot = |why| format!("illegal event: 2.rehearsal cannot have succeeded: {why}");
    let mut run = due();
    run.start(STEP);
    assert_eq!(run.refused(succeeded(STEP)), cannot("its phase was not undone"));
    assert_eq!(going_back().refused(succeeded(STEP)), cannot("its phase was not undone"));
    let mut run = empty();
    run.add(turned());
    assert_eq!(run.refused(succeeded(STEP)), cannot("2.copy is not redone"));
    assert_eq!(redone().refused(succeeded(STEP)), cannot("its gate was not judged"));
    let mut run = redone();
    run.start(STEP).judge(STEP, Verdict::Abort);
    assert_eq!(run.refused(succeeded(STEP)), cannot("its gate said abort"));
    run.judge(STEP, Verdict::Pass).add(Event::UndoStarted { step: id("2.copy") });
    assert_eq!(run.refused(succeeded(STEP)), cannot("2.copy is not redone"), "whatever was said before");
}

#[test]
fn one_that_took_too_long_is_rehearsed_again() {
    let mut run = redone();
    run.start(STEP).judge(STEP, Verdict::Abort).add(failed(STEP, Outcome::Clean));
    assert_eq!((next(&run), rehearsing(&run)), (None, None));
    assert_eq!(next(run.walk(Phase::StagingCopy)), Some(Effect::BeginRehearsal(id(STEP))));
    assert_eq!(next(run.start(STEP).add(began())), Some(Effect::Undo(id("2.process"))));
}

#[test]
fn a_redo_that_fails_goes_on_where_it_was() {
    let mut run = empty();
    run.add(turned()).start("2.copy").add(failed("2.copy", Outcome::Unknown)).walk(Phase::StagingCopy);
    assert_eq!(next(&run), Some(Effect::Apply(id("2.copy"))));
    assert_eq!(rehearsing(&run), Some(Rehearsal::Forth));
}

#[test]
fn a_stuck_undo_is_settled_and_the_same_command_goes_on() {
    let after = [
        (Resolution::Retried, Effect::Undo(id("2.process"))),
        (Resolution::Adopted, Effect::Undo(id("2.process"))),
        (Resolution::Forgotten, Effect::Undo(id("2.copy"))),
    ];
    for (resolution, effect) in after {
        let mut run = going_back();
        run.stick("2.process");
        assert_eq!(next(&run), None);
        let step = id("2.process");
        run.add(Event::settled(step, resolution, "me", "looked"));
        assert_eq!(rehearsing(&run), Some(Rehearsal::Back), "{resolution:?}");
        assert_eq!(next(run.walk(Phase::StagingCopy)), Some(effect), "{resolution:?}");
    }
}

#[test]
fn a_rollback_in_the_middle_ends_it_and_undoes_what_stands() {
    for (run, left) in [(due(), 2), (going_back(), 2), (empty(), 0), (redone(), 2), (passed(), 2)] {
        let mut run = run;
        run.add(back(Phase::Infrastructure));
        assert_eq!(rehearsing(&run), None);
        for step in ["2.process", "2.copy"].iter().take(left) {
            assert_eq!(next(&run), Some(Effect::Undo(id(step))));
            run.undo(step);
        }
        assert_eq!(next(&run), Some(Effect::FinishRollback(Phase::Infrastructure)));
        run.add(Event::RollbackFinished { to: Phase::Infrastructure });
        assert_eq!(run.state.furthest_phase(), Some(Phase::Infrastructure));
        assert_eq!(next(run.walk(Phase::StagingCopy)), Some(Effect::Apply(id("2.copy"))), "all of it again");
    }
}

#[test]
fn a_rollback_of_a_later_phase_ends_it_too() {
    let mut run = going_back();
    run.undo("2.process").add(back(Phase::StagingCopy)).add(Event::RollbackFinished { to: Phase::StagingCopy });
    assert_eq!(next(run.walk(Phase::StagingCopy)), Some(Effect::Apply(id("2.process"))), "its clock ran on");
    run.done("2.process");
    assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))));
}

#[test]
fn a_phase_that_is_walked_again_rehearses_again() {
    let mut run = passed();
    run.start("2.soak")
        .add(Event::SoakObserved { step: id("2.soak"), seconds: 10, window: None })
        .judge("2.soak", Verdict::Pass);
    run.add(succeeded("2.soak")).add(Event::PhasePassed { phase: Phase::StagingCopy }).walk(Phase::StagingCopy);
    run.done("2.copy").done("2.look").done("2.process");
    assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))));
}

#[test]
fn a_new_plan_rehearses_again() {
    for run in [going_back(), empty(), redone(), passed()] {
        let mut run = run;
        let plan = PlanDigest(Digest::of(b"other"));
        run.add(Event::PlanReplaced { plan, by: "me".into(), reason: "new limits".into() });
        let record = run.state.step(&id(STEP)).expect("it was started");
        assert_eq!((record.status, record.rehearsing()), (StepStatus::Failed(Outcome::Unknown), None));
        run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy);
        for step in ["2.copy", "2.look", "2.process"] {
            assert_eq!(next(&run), Some(Effect::Apply(id(step))));
            run.done(step);
        }
        assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))));
    }
}

#[test]
fn what_is_replaced_after_it_passed_has_to_be_rehearsed_again() {
    let mut run = passed();
    run.undo("2.copy");
    assert_eq!(run.state.status(&id(STEP)), Some(StepStatus::Undone), "the copy that was rehearsed is gone");
    run.done("2.copy").done("2.look");
    assert_eq!(next(&run), Some(Effect::BeginRehearsal(id(STEP))));
}

#[test]
fn a_store_that_is_replaced_in_the_middle_ends_it() {
    let mut run = going_back();
    run.undo("2.process").walk(Phase::Infrastructure).undo("1.make");
    assert_eq!(run.state.status(&id(STEP)), Some(StepStatus::Undone), "it was another phase's undo");
}

#[test]
fn a_change_after_it_is_undone_first() {
    let mut run = Run::open_with(rehearsed_plan());
    let mut steps = run.plan.steps().to_vec();
    steps.push(crate::support::planned("2.later", Phase::StagingCopy, migrate::core::Contract::Change));
    run.plan = crate::support::plan(steps);
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy);
    run.done("2.copy").done("2.look").done("2.process").start(STEP).add(began());
    assert_eq!(next(&run), Some(Effect::Undo(id("2.process"))), "it was never started");
    run.undo("2.process").undo("2.copy").add(turned()).done("2.copy").done("2.look").done("2.process").done(STEP);
    run.start("2.soak")
        .add(Event::SoakObserved { step: id("2.soak"), seconds: 10, window: None })
        .judge("2.soak", Verdict::Pass);
    run.add(succeeded("2.soak")).done("2.later").add(Event::PhasePassed { phase: Phase::StagingCopy });
    run.walk(Phase::StagingCopy);
    run.done("2.copy").done("2.look").done("2.process").start(STEP).add(began());
    assert_eq!(next(&run), Some(Effect::Undo(id("2.later"))), "it may need what was made before it");
    run.undo("2.later");
    assert_eq!(next(&run), Some(Effect::Undo(id("2.process"))));
}
