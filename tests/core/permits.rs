//! Who may write: only after an intent, and on production only inside phase 4.

use migrate::core::{Contract, Digest, Event, Phase, PlanDigest, PresumedStep, StepId};

use crate::run::{Run, back, succeeded};
use crate::support::{at, id};

#[test]
fn a_permit_to_act_exists_exactly_while_its_intent_is_open() {
    let mut run = Run::open();
    let step = id("1.make");
    let holds = |run: &Run| run.state.apply_permit(&step).is_some();
    assert!(!holds(&run));
    run.pass(Phase::Preflight).walk(Phase::Infrastructure);
    assert!(!holds(&run), "a phase that is walked is no intent");
    run.start("1.make");
    let permit = run.state.apply_permit(&step).expect("the intent is journalled");
    assert_eq!((permit.step(), permit.run().as_str()), (&step, "run"));
    assert!(run.state.apply_permit(&id("1.gate")).is_none(), "it is for one step");
    run.add(succeeded("1.make"));
    assert!(!holds(&run));
}

#[test]
fn a_permit_to_undo_exists_exactly_while_an_undo_is_open() {
    let mut run = Run::open();
    let step = id("1.make");
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(back(Phase::Preflight));
    assert!(run.state.undo_permit(&step).is_none(), "a rollback that was asked for is no intent");
    run.add(Event::UndoStarted { step: step.clone() });
    let permit = run.state.undo_permit(&step).expect("the intent is journalled");
    assert_eq!((permit.step(), permit.run().as_str()), (&step, "run"));
    assert!(run.state.apply_permit(&step).is_none(), "undoing is not making");
    run.add(Event::UndoFinished { step: step.clone() });
    assert!(run.state.undo_permit(&step).is_none());
}

/// A run in which phases 0 to 3 have passed without steps.
fn before_production() -> Run {
    let mut run = Run::open();
    for phase in Phase::ALL.into_iter().filter(|phase| *phase < Phase::Production) {
        run.add(Event::PhaseStarted { phase, steps: Vec::new() }).add(Event::PhasePassed { phase });
    }
    run
}

fn approved(plan: &PlanDigest) -> Event {
    Event::Approved {
        phase: Phase::Production,
        by: "me".into(),
        reason: "ready".into(),
        expires_at: at(100),
        plan: plan.clone(),
    }
}

fn walk_production(run: &mut Run) {
    run.add(Event::PhaseStarted { phase: Phase::Production, steps: vec![id("4.switch")] });
}

#[test]
fn production_is_written_on_only_while_phase_4_is_walked_under_a_live_approval() {
    let mut run = before_production();
    let may = |run: &Run, seconds| run.state.production_authority(at(seconds)).is_some();
    let digest = run.plan.digest().clone();
    run.add(approved(&digest));
    assert!(!may(&run, 0), "an approval alone is not phase 4");
    walk_production(&mut run);
    assert!(may(&run, 99));
    assert!(!may(&run, 100), "it has expired");
    run.add(Event::PlanReplaced { plan: PlanDigest(Digest::of(b"other")), by: "me".into(), reason: "why".into() });
    assert!(!may(&run, 0), "it was for other files");
}

#[test]
fn production_is_not_written_on_without_an_approval_of_this_plan() {
    let mut run = before_production();
    walk_production(&mut run);
    assert!(run.state.production_authority(at(0)).is_none());
    run.add(approved(&PlanDigest(Digest::of(b"other"))));
    assert!(run.state.production_authority(at(0)).is_none());
}

#[test]
fn earlier_phases_never_write_on_production() {
    let mut run = Run::open();
    let digest = run.plan.digest().clone();
    run.add(approved(&digest)).pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    assert!(run.state.production_authority(at(0)).is_none(), "forward");
    run.add(back(Phase::Preflight)).add(Event::UndoStarted { step: id("1.make") });
    assert!(run.state.production_authority(at(0)).is_none(), "and back");
}

#[test]
fn what_phase_4_started_may_be_undone_without_anyones_leave() {
    let mut run = before_production();
    let digest = run.plan.digest().clone();
    run.add(approved(&digest));
    walk_production(&mut run);
    let step: StepId = id("4.switch");
    run.add(Event::StepStarted { step: step.clone(), phase: Phase::Production, contract: Contract::Change });
    run.add(back(Phase::WorkerTuning)).add(Event::UndoStarted { step: step.clone() });
    assert!(run.state.approval(Phase::Production).is_none(), "going back withdraws it");
    assert!(run.state.production_authority(at(1_000)).is_some());
    run.add(Event::UndoFinished { step });
    assert!(run.state.production_authority(at(1_000)).is_none(), "nothing is left to undo there");
}

#[test]
fn a_lost_journal_may_still_be_undone_on_production() {
    let mut run = Run::open();
    let step = PresumedStep { step: id("4.switch"), phase: Phase::Production, contract: Contract::Change };
    run.add(Event::StepsPresumed { steps: vec![step], reason: "lost".into() });
    assert!(run.state.production_authority(at(0)).is_none());
    run.add(back(Phase::Preflight));
    assert!(run.state.production_authority(at(0)).is_some());
}
