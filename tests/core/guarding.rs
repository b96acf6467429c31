//! What follows when a gate that guards something says Abort.

use migrate::core::rollout::OnAbort;
use migrate::core::{
    Contract, Effect, Event, Failure, FailureClass, Outcome, Phase, Plan, PlannedStep, Resolution, StepStatus,
    TargetName, Verdict, decide, tripped, undone_by_abort,
};

use crate::run::{Run, back};
use crate::support::{id, plan, planned, rollout};

/// Two changes, and a gate that guards the first of them.
fn guarded() -> Plan {
    let gate = planned("1.gate", Phase::Infrastructure, Contract::Gate);
    plan(vec![
        planned("1.make", Phase::Infrastructure, Contract::Change),
        planned("1.more", Phase::Infrastructure, Contract::Change),
        PlannedStep { guards: Some(id("1.make")), ..gate },
        planned("1.last", Phase::Infrastructure, Contract::Change),
    ])
}

fn aborted(step: &str) -> Event {
    let failure = Failure::new(FailureClass::Gate, "abort: it is bad");
    Event::StepFailed { step: id(step), outcome: Outcome::Clean, failure }
}

/// The gate has said something, and the process is where it was.
fn judged(verdict: Verdict) -> Run {
    let mut run = Run::open_with(guarded());
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).done("1.make").done("1.more").start("1.gate");
    run.judge("1.gate", verdict);
    run
}

fn next(run: &Run) -> Option<Effect> {
    decide(&run.state, &run.plan)
}

#[test]
fn an_abort_undoes_what_it_guards_and_what_is_built_on_it_the_newest_first() {
    let mut run = judged(Verdict::Abort);
    assert_eq!(next(&run), Some(Effect::Fail(id("1.gate"))), "a crash may have come between: first it has failed");
    run.add(aborted("1.gate"));
    for step in ["1.more", "1.make"] {
        assert!(tripped(&run.state, &run.plan).is_some());
        assert_eq!(next(&run), Some(Effect::Undo(id(step))), "nothing is under way, and it does not wait");
        run.add(Event::UndoStarted { step: id(step) });
        assert_eq!(next(&run), Some(Effect::Undo(id(step))), "a crash left it being undone: the same again");
        run.add(Event::UndoFinished { step: id(step) });
    }
    assert_eq!((next(&run), tripped(&run.state, &run.plan)), (None, None));
    let record = run.state.step(&id("1.gate")).expect("it was started");
    assert_eq!((record.status, record.verdict), (StepStatus::Undone, Some(Verdict::Abort)));
    assert_eq!(
        record.failure.as_ref().map(ToString::to_string).as_deref(),
        Some("abort: it is bad"),
        "why stays known"
    );
    assert_eq!(undone_by_abort(&run.state, &run.plan).map(|gate| &gate.id), Some(&id("1.gate")));
    // Asked for again, it is made and judged anew.
    run.walk(Phase::Infrastructure);
    assert_eq!(undone_by_abort(&run.state, &run.plan), None);
    for step in ["1.make", "1.more"] {
        assert_eq!(next(&run), Some(Effect::Apply(id(step))));
        run.done(step);
    }
    assert_eq!(next(&run), Some(Effect::Apply(id("1.gate"))));
    run.start("1.gate");
    assert_eq!(run.state.step(&id("1.gate")).and_then(|record| record.verdict), None);
    assert_eq!(undone_by_abort(&run.state, &run.plan), None);
}

#[test]
fn nothing_else_undoes_anything() {
    for verdict in [Verdict::Pass, Verdict::Inconclusive, Verdict::Hold] {
        let mut run = judged(verdict);
        assert_eq!(next(&run), Some(Effect::Apply(id("1.gate"))), "{verdict}: a crash: the same again");
        if !verdict.passes() {
            run.add(aborted("1.gate"));
            assert_eq!((next(&run), tripped(&run.state, &run.plan)), (None, None), "{verdict}");
        }
    }
    let mut run = judged(Verdict::Abort);
    run.plan = plan(guarded().steps().iter().map(|step| PlannedStep { guards: None, ..step.clone() }).collect());
    run.add(aborted("1.gate"));
    assert_eq!(next(&run), None, "it guards nothing");
}

#[test]
fn a_phase_that_is_asked_for_first_undoes() {
    let mut run = judged(Verdict::Abort);
    run.walk(Phase::Infrastructure);
    assert_eq!(next(&run), Some(Effect::Fail(id("1.gate"))), "also when somebody has journalled the question");
}

#[test]
fn a_rollback_goes_its_own_way() {
    let mut run = judged(Verdict::Abort);
    run.add(aborted("1.gate")).add(back(Phase::Preflight));
    assert_eq!(tripped(&run.state, &run.plan), None, "nobody may take it for a command to go forward");
    for step in ["1.more", "1.make"] {
        assert_eq!(next(&run), Some(Effect::Undo(id(step))));
        run.undo(step);
    }
    assert_eq!(next(&run), Some(Effect::FinishRollback(Phase::Preflight)));
    run.add(Event::RollbackFinished { to: Phase::Preflight });
    assert_eq!((next(&run), undone_by_abort(&run.state, &run.plan)), (None, None), "nothing of it is left to explain");
}

#[test]
fn an_undo_that_is_stuck_waits_for_a_person() {
    let mut run = judged(Verdict::Abort);
    run.add(aborted("1.gate")).stick("1.more");
    assert_eq!(next(&run), None);
    let settle = |resolution| Event::settled(id("1.more"), resolution, "me", "looked");
    let mut retried = run.clone();
    retried.add(settle(Resolution::Retried));
    assert_eq!(next(&retried), Some(Effect::Undo(id("1.more"))), "it is condemned all the same");
    let mut forgotten = run.clone();
    forgotten.add(settle(Resolution::Forgotten));
    assert_eq!(next(&forgotten), Some(Effect::Undo(id("1.make"))), "and what it was built on, too");
    run.add(settle(Resolution::Adopted));
    assert_eq!((next(&run), tripped(&run.state, &run.plan)), (None, None), "whoever keeps it overrules the verdict");
    run.walk(Phase::Infrastructure);
    assert_eq!(next(&run), Some(Effect::Apply(id("1.gate"))), "which has to be given again");
}

#[test]
fn told_to_wait_production_waits() {
    let steps = || {
        let gate = planned("4.gate", Phase::Production, Contract::Gate);
        vec![planned("4.make", Phase::Production, Contract::Change), PlannedStep { guards: Some(id("4.make")), ..gate }]
    };
    for (on_abort, guarded) in [(OnAbort::RollBack, 2), (OnAbort::Wait, 0)] {
        let mut rollout = rollout();
        rollout.production.on_abort = on_abort;
        let plan = Plan::new(rollout, std::collections::BTreeMap::new(), steps(), std::collections::BTreeMap::new());
        let plan = plan.expect("a plan");
        assert_eq!(plan.guarded(&plan.steps()[1]).len(), guarded, "{on_abort:?}");
    }
}

#[test]
fn what_is_for_other_targets_is_left_alone() {
    let of = |target: &str| {
        let target = TargetName::new(target);
        let named = |name: &str| format!("1.{target}.{name}");
        let gate = planned(&named("gate"), Phase::Infrastructure, Contract::Gate);
        [
            planned(&named("switch"), Phase::Infrastructure, Contract::Change),
            PlannedStep { guards: Some(id(&named("switch"))), ..gate },
        ]
        .map(|step| PlannedStep { target: Some(target.clone()), ..step })
    };
    let shared = planned("1.final", Phase::Infrastructure, Contract::Change);
    let plan = plan([of("one").to_vec(), of("two").to_vec(), vec![shared]].concat());
    let guarded = |gate: &str| -> Vec<String> {
        let gate = plan.step(&id(gate)).expect("a gate");
        plan.guarded(gate).iter().map(|step| step.id.to_string()).collect()
    };
    assert_eq!(guarded("1.one.gate"), ["1.one.switch", "1.one.gate", "1.final"]);
    assert_eq!(guarded("1.two.gate"), ["1.two.switch", "1.two.gate", "1.final"]);
}

#[test]
fn a_step_knows_what_was_learnt_about_its_own_target_only() {
    let of = |target: &str, name: &str| {
        let step = planned(&format!("1.{target}.{name}"), Phase::Infrastructure, Contract::Observe);
        PlannedStep { target: Some(TargetName::new(target)), ..step }
    };
    let shared = planned("1.shared", Phase::Infrastructure, Contract::Observe);
    let mut run = Run::open_with(plan(vec![shared, of("one", "look"), of("two", "look"), of("one", "use")]));
    run.pass(Phase::Preflight).walk(Phase::Infrastructure);
    for (step, fact) in [("1.shared", "release.name"), ("1.one.look", "release.old"), ("1.two.look", "release.old")] {
        run.start(step);
        let facts = migrate::core::Facts::new().with(fact, step);
        run.add(Event::StepSucceeded { step: id(step), facts, evidence: Vec::new() });
    }
    let known = |step: &str| -> Vec<String> {
        let facts = run.state.facts_for(&run.plan, run.plan.step(&id(step)).expect("a step"));
        facts.iter().map(|(_, value)| value.to_string()).collect()
    };
    assert_eq!(known("1.one.use"), ["1.shared", "1.one.look"]);
    assert_eq!(known("1.two.look"), ["1.shared", "1.two.look"]);
    assert_eq!(known("1.shared"), ["1.shared"]);
}
