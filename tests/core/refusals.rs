//! Every transition that cannot have happened is refused, and says why.

use migrate::core::{Contract, Event, Fence, Outcome, Phase, PresumedStep, Resolution, RunState, Stamped, Verdict};

use crate::run::{Run, back, failed, phase, succeeded, taken};
use crate::support::id;

fn settled(step: &str, resolution: Resolution) -> Event {
    Event::settled(id(step), resolution, "me", "looked")
}

#[test]
fn nothing_comes_before_a_run_and_a_lease() {
    let apply = |fence, event| RunState::default().apply(&Stamped { fence: Fence(fence), event });
    let refused = |fence, event| apply(fence, event).expect_err("it is illegal").to_string();
    assert_eq!(refused(0, back(Phase::Preflight)), "illegal event: written under lease 0, but lease 0 is released");
    assert_eq!(refused(2, taken("me")), "illegal event: lease 2 taken after lease 0");
    let leased = apply(1, taken("me")).expect("the first lease");
    let error = leased.apply(&Stamped { fence: Fence(1), event: back(Phase::Preflight) }).expect_err("no run");
    assert_eq!(error.to_string(), "illegal event: no run is open");
}

#[test]
fn a_stale_writer_is_refused() {
    let mut run = Run::open();
    let stale = Stamped { fence: Fence(1), event: back(Phase::Preflight) };
    run.state = run.state.clone().apply(&Stamped { fence: Fence(2), event: taken("thief") }).expect("the next lease");
    let error = run.state.clone().apply(&stale).expect_err("it is stale");
    assert_eq!(error.to_string(), "illegal event: written under lease 1, but lease 2 is the current one");
    let again = run.state.clone().apply(&Stamped { fence: Fence(2), event: taken("twice") }).expect_err("taken");
    assert_eq!(again.to_string(), "illegal event: lease 2 taken after lease 2");
    let future = run.state.apply(&Stamped { fence: Fence(3), event: back(Phase::Preflight) }).expect_err("no lease 3");
    assert_eq!(future.to_string(), "illegal event: written under lease 3, but lease 2 is the current one");
}

#[test]
fn whoever_let_go_writes_no_more() {
    let mut run = Run::open();
    run.add(Event::LeaseReleased);
    assert_eq!(run.refused(Event::LeaseReleased), "illegal event: written under lease 1, but lease 1 is released");
}

#[test]
fn a_run_is_opened_once() {
    let run = Run::open();
    let plan = run.plan.digest().clone();
    let again = Event::RunOpened { run: migrate::core::RunId::new("two"), rollout: "r".into(), plan };
    assert_eq!(run.refused(again), "illegal event: a run is already open");
}

#[test]
fn phases_come_in_order_and_not_during_a_rollback_or_when_stuck() {
    let mut run = Run::open();
    assert_eq!(run.refused(phase(Phase::Infrastructure, &[])), "illegal event: preflight has not passed");
    assert_eq!(run.refused(phase(Phase::Production, &[])), "illegal event: phase 3 has not passed");
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    let mut rolling_back = run.clone();
    rolling_back.add(back(Phase::Preflight));
    assert_eq!(
        rolling_back.refused(phase(Phase::Infrastructure, &[])),
        "illegal event: a rollback to preflight is under way"
    );
    rolling_back.stick("1.make");
    assert_eq!(rolling_back.refused(phase(Phase::Infrastructure, &[])), "illegal event: 1.make is stuck");
}

#[test]
fn a_phase_passes_only_when_walked_and_complete() {
    let mut run = Run::open();
    let passed = |phase| Event::PhasePassed { phase };
    assert_eq!(run.refused(passed(Phase::Preflight)), "illegal event: preflight was not being walked");
    run.pass(Phase::Preflight).walk(Phase::Infrastructure);
    assert_eq!(run.refused(passed(Phase::Infrastructure)), "illegal event: phase 1 passed without 1.make");
    run.start("1.make").add(succeeded("1.make")).start("1.gate");
    assert_eq!(run.refused(passed(Phase::Infrastructure)), "illegal event: phase 1 passed without 1.gate");
    assert_eq!(run.refused(passed(Phase::Preflight)), "illegal event: preflight was not being walked");
}

#[test]
fn a_step_starts_only_in_its_phase_and_when_it_is_not_done() {
    let mut run = Run::open();
    let walking = "illegal event: 1.make started while phase 1 was not being walked";
    assert_eq!(run.refused(run.started("1.make")), walking);
    run.walk(Phase::Preflight);
    assert_eq!(run.refused(run.started("1.make")), walking);
    run.start("0.look").add(succeeded("0.look")).add(Event::PhasePassed { phase: Phase::Preflight });
    run.walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make"));
    let done = "illegal event: 1.make started although it has succeeded, is being undone or is stuck";
    assert_eq!(run.refused(run.started("1.make")), done);
    run.add(Event::UndoStarted { step: id("1.make") });
    assert_eq!(run.refused(run.started("1.make")), done);
    run.add(back(Phase::Preflight));
    assert_eq!(run.refused(run.started("1.make")), walking);
}

#[test]
fn results_need_an_intent() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure);
    let judged = |step| Event::GateJudged {
        step: id(step),
        verdict: Verdict::Pass,
        reason: String::new(),
        evidence: Vec::new(),
    };
    let observed = |step| Event::SoakObserved { step: id(step), seconds: 1, window: None };
    let results = |step| {
        [succeeded(step), failed(step, Outcome::Clean), failed(step, Outcome::Unknown), judged(step), observed(step)]
    };
    for event in results("1.make") {
        assert_eq!(run.refused(event), "illegal event: 1.make was never started");
    }
    run.start("1.make").add(succeeded("1.make"));
    for event in results("1.make") {
        assert_eq!(run.refused(event), "illegal event: 1.make is Succeeded, not Started");
    }
}

#[test]
fn a_gate_succeeds_only_after_a_pass() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make").add(succeeded("1.make")).start("1.gate");
    assert_eq!(
        run.refused(succeeded("1.gate")),
        "illegal event: 1.gate cannot have succeeded: its gate was not judged"
    );
    for verdict in [Verdict::Inconclusive, Verdict::Hold, Verdict::Abort] {
        run.judge("1.gate", verdict);
        let why = format!("illegal event: 1.gate cannot have succeeded: its gate said {verdict}");
        assert_eq!(run.refused(succeeded("1.gate")), why);
    }
    run.judge("1.gate", Verdict::Pass);
    let mut again = run.clone();
    again.start("1.gate");
    assert_eq!(
        again.refused(succeeded("1.gate")),
        "illegal event: 1.gate cannot have succeeded: its gate was not judged",
        "a new attempt is judged anew"
    );
    run.add(succeeded("1.gate"));
}

#[test]
fn a_soak_succeeds_only_after_its_seconds_and_a_pass() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).start("2.soak");
    run.judge("2.soak", Verdict::Pass).add(Event::SoakObserved { step: id("2.soak"), seconds: 9, window: None });
    assert_eq!(run.refused(succeeded("2.soak")), "illegal event: 2.soak cannot have succeeded: 9 of 10 s observed");
    // A crash and a new attempt: what was observed counts, the verdict does not.
    run.start("2.soak").add(Event::SoakObserved { step: id("2.soak"), seconds: 1, window: None });
    assert_eq!(
        run.refused(succeeded("2.soak")),
        "illegal event: 2.soak cannot have succeeded: its gate was not judged"
    );
    run.judge("2.soak", Verdict::Pass).add(succeeded("2.soak"));
}

#[test]
fn an_undo_needs_a_start_and_ends_once() {
    let mut run = Run::open();
    let undo = |step| Event::UndoStarted { step: id(step) };
    let undone = |step| Event::UndoFinished { step: id(step) };
    let unable = |step| Event::UndoFailed { step: id(step), failure: migrate::core::Failure::permanent("in use") };
    assert_eq!(run.refused(undo("1.make")), "illegal event: 1.make undone without ever being started");
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    assert_eq!(run.refused(undone("1.make")), "illegal event: 1.make is Started, not Undoing");
    assert_eq!(run.refused(unable("1.make")), "illegal event: 1.make is Started, not Undoing");
    run.add(back(Phase::Preflight)).add(undo("1.make")).add(undo("1.make")).add(undone("1.make"));
    assert_eq!(run.refused(undo("1.make")), "illegal event: 1.make undone although it is undone or stuck");
    assert_eq!(run.refused(undone("1.make")), "illegal event: 1.make is Undone, not Undoing");
}

#[test]
fn a_rollback_ends_only_where_it_was_going_and_with_nothing_left() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    let finished = |to| Event::RollbackFinished { to };
    assert_eq!(run.refused(finished(Phase::Preflight)), "illegal event: no rollback to preflight was under way");
    run.add(back(Phase::Preflight));
    assert_eq!(run.refused(finished(Phase::Infrastructure)), "illegal event: no rollback to phase 1 was under way");
    assert_eq!(
        run.refused(finished(Phase::Preflight)),
        "illegal event: rolled back to preflight without undoing 1.make"
    );
}

#[test]
fn only_what_is_stuck_is_settled_and_a_gate_is_not_adopted() {
    let mut run = Run::open();
    run.pass(Phase::Preflight).walk(Phase::Infrastructure).start("1.make");
    assert_eq!(run.refused(settled("1.make", Resolution::Retried)), "illegal event: 1.make is Started, not Stuck");
    assert_eq!(run.refused(settled("1.gate", Resolution::Forgotten)), "illegal event: 1.gate was never started");
    run.add(succeeded("1.make")).start("1.gate").stick("1.gate");
    assert_eq!(
        run.refused(settled("1.gate", Resolution::Adopted)),
        "illegal event: 1.gate is a gate: it can be retried or forgotten, not adopted"
    );
    run.add(settled("1.gate", Resolution::Forgotten));
}

#[test]
fn steps_are_presumed_only_into_an_empty_journal() {
    let mut run = Run::open();
    let presumed = || Event::StepsPresumed {
        steps: vec![PresumedStep { step: id("1.make"), phase: Phase::Infrastructure, contract: Contract::Change }],
        reason: "tagged".into(),
    };
    run.add(presumed());
    assert_eq!(run.refused(presumed()), "illegal event: steps presumed although the journal knows some");
}
