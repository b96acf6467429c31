//! Phase 4 asks again before each change; says early when an approval will not last; remembers where it has acted.

use migrate::core::rollout::Rollout;
use migrate::core::{
    ACTED_ON, ApprovalEndsEarly, ChecklistItem, Contract, Event, Facts, Missing, Phase, Plan, PlannedStep, TargetName,
    Verdict, approval_ends_early, missing_for_step,
};

use crate::run::{Run, back};
use crate::support::{at, evidence, id, planned, rollout};

const DAY: i64 = 86_400;

/// Two targets, a change and a soak of a day for each.
fn two_targets(rollout: Rollout) -> Plan {
    let mut steps = vec![
        planned("1.make", Phase::Infrastructure, Contract::Change),
        planned("3.prove", Phase::WorkerTuning, Contract::Observe),
        planned("4.entry", Phase::Production, Contract::Gate),
    ];
    for target in ["production-1", "production-2"] {
        let day = Contract::Soak { seconds: 86_400 };
        for (name, contract) in [("switch", Contract::Change), ("soak", day)] {
            let step = planned(&format!("4.{target}.{name}"), Phase::Production, contract);
            steps.push(PlannedStep { target: Some(TargetName::new(target)), ..step });
        }
    }
    Plan::new(rollout, std::collections::BTreeMap::new(), steps, std::collections::BTreeMap::new()).expect("a plan")
}

/// Proven at second 0, and approved until then.
fn approved_until(rollout: Rollout, ends: i64) -> Run {
    let mut run = Run::open_with(two_targets(rollout));
    run.add(Event::PlanReplaced { plan: run.plan.digest().clone(), by: "me".into(), reason: "a test".into() });
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).pass(Phase::StagingCopy).walk(Phase::WorkerTuning);
    run.start("3.prove");
    let proofs = vec![evidence(run.plan.digest(), at(0), Verdict::Pass, &ChecklistItem::ALL)];
    run.add(Event::StepSucceeded { step: id("3.prove"), facts: Facts::new(), evidence: proofs });
    run.add(Event::PhasePassed { phase: Phase::WorkerTuning });
    approve(&mut run, ends);
    run.walk(Phase::Production);
    run
}

fn approve(run: &mut Run, ends: i64) {
    let (by, reason, plan) = ("me".to_owned(), "ready".to_owned(), run.plan.digest().clone());
    run.add(Event::Approved { phase: Phase::Production, by, reason, expires_at: at(ends), plan });
}

fn missing(run: &Run, step: &str, seconds: i64) -> Vec<Missing> {
    missing_for_step(&run.state, &run.plan, run.plan.step(&id(step)).expect("a step"), at(seconds))
}

#[test]
fn a_change_in_production_asks_again_and_what_looks_does_not() {
    let run = approved_until(rollout(), DAY);
    let approval = [Missing::Approval(Phase::Production)];
    assert_eq!(missing(&run, "4.production-2.switch", DAY - 1), []);
    assert_eq!(missing(&run, "4.production-2.switch", DAY), approval);
    for looks in ["4.entry", "4.production-2.soak"] {
        assert_eq!(missing(&run, looks, DAY), [], "{looks}");
    }
    assert_eq!(missing(&run, "1.make", DAY), [], "before phase 4 nobody has to approve");
    let mut run = approved_until(rollout(), 30 * DAY);
    let stale = missing(&run, "4.production-2.switch", 8 * DAY);
    assert_eq!(stale, ChecklistItem::ALL.map(|item| Missing::Stale(item, at(0))), "what was measured is a week old");
    run.start("4.entry").judge("4.entry", Verdict::Pass);
    assert_eq!(missing(&run, "4.production-1.switch", 0), []);
}

#[test]
fn the_window_holds_up_what_is_new_and_not_what_a_crash_interrupted() {
    let mut rollout = rollout();
    // 1 January 2026, when seconds begin, is a Thursday.
    let window = serde_json::json!({ "days": ["thu"], "from": "00:00", "to": "01:00" });
    rollout.production.change_window = Some(serde_json::from_value(window).expect("a window"));
    let mut run = approved_until(rollout, 30 * DAY);
    let closed = [Missing::ClosedWindow(at(7 * DAY))];
    assert_eq!(missing(&run, "4.production-1.switch", 3_599), []);
    assert_eq!(missing(&run, "4.production-1.switch", 3_600), closed);
    assert_eq!(closed[0].to_string(), "the change window is closed until 2026-01-08T00:00:00Z");
    run.done("4.entry").start("4.production-1.switch");
    assert_eq!(missing(&run, "4.production-1.switch", 3_600), []);
    assert_eq!(missing(&run, "4.production-2.switch", 3_600), closed);
}

#[test]
fn an_approval_that_ends_in_the_soaks_is_known_from_the_beginning() {
    let early = |run: &Run, seconds| approval_ends_early(&run.state, &run.plan, at(seconds));
    let mut run = approved_until(rollout(), DAY);
    let expected = ApprovalEndsEarly { ends: at(DAY), target: TargetName::new("production-2"), not_before: at(DAY) };
    assert_eq!(early(&run, 0), Some(expected.clone()));
    assert_eq!(
        expected.to_string(),
        "the approval ends at 2026-01-02T00:00:00Z, and production-2 cannot be changed before 2026-01-02T00:00:00Z, \
         after the soaks: it will wait for another `migrate approve 4`"
    );
    approve(&mut run, DAY + 1);
    assert_eq!(early(&run, 0), None, "one second is enough to begin");
    assert_eq!(early(&run, 1).map(|early| early.not_before), Some(at(DAY + 1)));
    // Half of the soak was observed: the rest of it counts.
    run.done("4.entry").done("4.production-1.switch").start("4.production-1.soak");
    run.add(Event::SoakObserved { step: id("4.production-1.soak"), seconds: 43_200, window: None });
    assert_eq!(early(&run, 43_200), None);
    assert_eq!(early(&run, 43_202).map(|early| early.not_before), Some(at(DAY + 2)));
    // The last target's own soak needs no approval.
    let seconds = 43_200;
    run.add(Event::SoakObserved { step: id("4.production-1.soak"), seconds, window: None });
    run.judge("4.production-1.soak", Verdict::Pass);
    run.add(Event::StepSucceeded { step: id("4.production-1.soak"), facts: Facts::new(), evidence: Vec::new() });
    assert_eq!(early(&run, DAY), None);
}

#[test]
fn where_phase_4_has_acted_stays_known_until_phase_1_is_walked_again() {
    let acted_on = |run: &Run| {
        let entry = run.plan.step(&id("4.entry")).expect("a step");
        ACTED_ON.known(&run.state.facts_for(&run.plan, entry))
    };
    let first = Some(vec!["production-1".to_owned()]);
    let mut run = approved_until(rollout(), DAY);
    run.done("4.entry");
    assert_eq!(acted_on(&run), None);
    run.start("4.production-1.switch");
    assert_eq!(acted_on(&run), first, "it may have acted");
    run.add(back(Phase::WorkerTuning)).undo("4.production-1.switch");
    run.add(Event::RollbackFinished { to: Phase::WorkerTuning });
    assert_eq!(acted_on(&run), first, "its process is another one all the same");
    run.add(back(Phase::Preflight)).undo("1.make").add(Event::RollbackFinished { to: Phase::Preflight });
    run.pass(Phase::Infrastructure);
    assert_eq!(acted_on(&run), None, "a new baseline was recorded after that");
}
