//! Random journals: the reducer never panics, and replaying is the same as going on.

use migrate::core::{
    Contract, Digest, Effect, Event, Facts, Failure, FailureClass, Fence, Holder, Outcome, Phase, Plan, PlanDigest,
    Rehearsal, Resolution, RunId, RunState, Stamped, StepId, StepRecord, StepStatus, Verdict, decide, missing_for,
    missing_for_done,
};
use proptest::prelude::*;

use crate::run::{rehearsed_plan, taken};
use crate::support::{at, every_event, id};

fn step() -> impl Strategy<Value = StepId> {
    prop::sample::select(vec!["0.look", "1.make", "1.gate", "2.copy", "2.look", "2.process", "2.rehearsal", "2.soak"])
        .prop_map(id)
}

fn phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(Phase::ALL.to_vec())
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Pass, Verdict::Inconclusive, Verdict::Hold, Verdict::Abort])
}

fn contract() -> impl Strategy<Value = Contract> {
    prop_oneof![
        Just(Contract::Observe),
        Just(Contract::Change),
        Just(Contract::Gate),
        (0_u64..4).prop_map(|seconds| Contract::Soak { seconds }),
        Just(Contract::Rehearsal),
        Just(Contract::Exercise),
    ]
}

fn digest() -> impl Strategy<Value = PlanDigest> {
    (0_u8..2).prop_map(|number| PlanDigest(Digest::of(&[number])))
}

fn event() -> impl Strategy<Value = Event> {
    let failure = || Failure::new(FailureClass::Transient, "random");
    let outcome = prop::sample::select(vec![Outcome::Clean, Outcome::Unknown]);
    let resolution = prop::sample::select(vec![Resolution::Retried, Resolution::Adopted, Resolution::Forgotten]);
    prop_oneof![
        Just(Event::LeaseTaken { holder: Holder::new("random"), reason: String::new() }),
        Just(Event::LeaseReleased),
        digest().prop_map(|plan| Event::RunOpened { run: RunId::new("run"), rollout: "r".into(), plan }),
        digest().prop_map(|plan| Event::PlanReplaced { plan, by: "me".into(), reason: String::new() }),
        (phase(), prop::collection::vec(step(), 0..3)).prop_map(|(phase, steps)| Event::PhaseStarted { phase, steps }),
        phase().prop_map(|phase| Event::PhasePassed { phase }),
        (step(), phase(), contract()).prop_map(|(step, phase, contract)| Event::StepStarted { step, phase, contract }),
        step().prop_map(|step| Event::StepSucceeded { step, facts: Facts::new(), evidence: Vec::new() }),
        (step(), outcome).prop_map(move |(step, outcome)| Event::StepFailed { step, outcome, failure: failure() }),
        (step(), verdict()).prop_map(|(step, verdict)| Event::GateJudged {
            step,
            verdict,
            reason: String::new(),
            evidence: Vec::new()
        }),
        (step(), prop_oneof![0_u64..5, Just(u64::MAX)]).prop_map(|(step, seconds)| Event::SoakObserved {
            step,
            seconds,
            window: None
        }),
        step().prop_map(|step| Event::RehearsalBegan { step, at: at(0) }),
        step().prop_map(|step| Event::RehearsalTurned { step, at: at(0) }),
        phase().prop_map(|to| Event::RollbackStarted { to, reason: None }),
        phase().prop_map(|to| Event::RollbackFinished { to }),
        step().prop_map(|step| Event::UndoStarted { step }),
        step().prop_map(|step| Event::UndoFinished { step }),
        step().prop_map(move |step| Event::UndoFailed { step, failure: failure() }),
        (step(), resolution).prop_map(|(step, resolution)| Event::settled(step, resolution, "me", "")),
        Just(Event::Paused { cause: "SIGINT".into() }),
    ]
}

/// The event that the engine would most likely write next: random choices alone never get far.
fn likely(state: &RunState, plan: &Plan) -> Option<Event> {
    // A rehearsal under way leaves the word to the steps that it has undone and redone.
    let speaks = |wanted, record: &StepRecord| record.status == wanted && record.rehearsing().is_none();
    let open = |wanted| state.started().find(|(_, record)| speaks(wanted, record)).map(|(id, _)| id.clone());
    let judge = |step| Event::GateJudged { step, verdict: Verdict::Pass, reason: String::new(), evidence: Vec::new() };
    let succeed = |step| Event::StepSucceeded { step, facts: Facts::new(), evidence: Vec::new() };
    if let Some(step) = open(StepStatus::Started) {
        let record = state.step(&step)?;
        return Some(match (record.contract, record.verdict) {
            (Contract::Soak { seconds }, _) if record.observed_seconds < seconds => {
                Event::SoakObserved { step, seconds: 5, window: None }
            }
            (Contract::Gate | Contract::Exercise | Contract::Soak { .. }, None) => judge(step),
            (Contract::Rehearsal, _) => Event::RehearsalBegan { step, at: at(0) },
            _ => succeed(step),
        });
    }
    if let Some(step) = open(StepStatus::Undoing) {
        return Some(Event::UndoFinished { step });
    }
    match decide(state, plan) {
        Some(Effect::TurnRehearsal(step)) => Some(Event::RehearsalTurned { step, at: at(0) }),
        Some(Effect::Apply(step)) if state.step(&step).is_some_and(|record| record.rehearsing().is_some()) => {
            Some(if state.step(&step)?.verdict.is_none() { judge(step) } else { succeed(step) })
        }
        Some(Effect::Apply(step) | Effect::BeginRehearsal(step)) => {
            let planned = plan.step(&step)?;
            Some(Event::StepStarted { step, phase: planned.phase, contract: planned.contract })
        }
        Some(Effect::Fail(step)) => {
            let failure = Failure::new(FailureClass::Gate, "abort");
            Some(Event::StepFailed { step, outcome: Outcome::Clean, failure })
        }
        Some(Effect::Undo(step)) => Some(Event::UndoStarted { step }),
        Some(Effect::PassPhase(phase)) => Some(Event::PhasePassed { phase }),
        Some(Effect::FinishRollback(to)) => Some(Event::RollbackFinished { to }),
        None => {
            let phase = Phase::ALL.into_iter().find(|phase| !state.has_passed(*phase))?;
            let steps = plan.steps_of(phase).map(|step| step.id.clone()).collect();
            Some(Event::PhaseStarted { phase, steps })
        }
    }
}

/// A legal journal: likely events, with random ones in between wherever the reducer takes them.
fn journal(plan: &Plan, choices: Vec<Option<Event>>) -> Vec<Stamped> {
    let opened = Event::RunOpened { run: RunId::new("run"), rollout: "r".into(), plan: plan.digest().clone() };
    let mut events = vec![Stamped { fence: Fence(1), event: taken("me") }, Stamped { fence: Fence(1), event: opened }];
    let mut state = RunState::replay(&events).expect("it begins legally");
    for choice in choices {
        let Some(event) = choice.or_else(|| likely(&state, plan)) else { continue };
        let takes = matches!(event, Event::LeaseTaken { .. });
        let fence = if takes { state.fence().next() } else { state.fence() };
        let stamped = Stamped { fence, event };
        if let Ok(after) = state.clone().apply(&stamped) {
            state = after;
            events.push(stamped);
        }
    }
    events
}

/// What must hold in every state that a journal can lead to.
fn sane(state: &RunState, plan: &Plan) -> Result<(), TestCaseError> {
    for (id, record) in state.started() {
        if record.status == StepStatus::Succeeded && record.contract.is_judged() {
            prop_assert_eq!(record.verdict, Some(Verdict::Pass), "{} succeeded", id);
        }
        if record.status == StepStatus::Succeeded && record.contract == Contract::Rehearsal {
            prop_assert_eq!(record.rehearsal, Some(Rehearsal::Forth), "{} succeeded", id);
        }
        prop_assert_eq!(state.apply_permit(id).is_some(), record.status == StepStatus::Started);
        prop_assert_eq!(state.undo_permit(id).is_some(), record.status == StepStatus::Undoing);
    }
    prop_assert!(
        state.approval(Phase::Production).is_some()
            || state.production_authority(at(0)).is_none()
            || state.furthest_phase() == Some(Phase::Production)
    );
    let _ = (missing_for_done(state, plan, at(0)), Phase::ALL.map(|phase| missing_for(state, plan, phase, at(0))));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_events_in_any_order_never_panic(
        events in prop::collection::vec((0_u64..4, event()), 0..60),
    ) {
        let plan = rehearsed_plan();
        let mut state = RunState::default();
        for (fence, event) in events {
            let stamped = Stamped { fence: Fence(fence), event };
            match state.clone().apply(&stamped) {
                Ok(after) => state = after,
                Err(error) => prop_assert!(error.to_string().starts_with("illegal event: ")),
            }
            sane(&state, &plan)?;
        }
    }

    #[test]
    fn replaying_a_prefix_and_going_on_is_replaying_all(
        choices in prop::collection::vec(prop::option::weighted(0.3, event()), 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let plan = rehearsed_plan();
        let events = journal(&plan, choices);
        let (prefix, rest) = events.split_at(cut.index(events.len() + 1));
        let mut state = RunState::replay(prefix).expect("a prefix of a legal journal is legal");
        for stamped in rest {
            state = state.apply(stamped).expect("and can be gone on with");
            sane(&state, &plan)?;
        }
        prop_assert_eq!(state, RunState::replay(&events).expect("it is legal"));
    }

    #[test]
    fn a_rollback_is_legal_in_every_state_with_a_run_and_ends(
        choices in prop::collection::vec(prop::option::weighted(0.3, event()), 0..60),
    ) {
        let plan = rehearsed_plan();
        let mut state = RunState::replay(&journal(&plan, choices)).expect("it is legal");
        let fence = state.fence().next();
        let mut add = |event| -> Result<RunState, TestCaseError> {
            state = state.clone().apply(&Stamped { fence, event }).map_err(|error| TestCaseError::fail(error.to_string()))?;
            Ok(state.clone())
        };
        add(taken("rescuer"))?;
        let mut now = add(Event::RollbackStarted { to: Phase::Preflight, reason: None })?;
        for _ in 0..20 {
            now = match decide(&now, &plan) {
                None => break,
                Some(Effect::Undo(step)) => {
                    add(Event::UndoStarted { step: step.clone() })?;
                    add(Event::UndoFinished { step })?
                }
                Some(Effect::FinishRollback(to)) => add(Event::RollbackFinished { to })?,
                Some(other) => return Err(TestCaseError::fail(format!("{other:?} during a rollback"))),
            };
        }
        prop_assert!(now.furthest_phase() <= Some(Phase::Preflight));
        prop_assert_eq!(decide(&now, &plan), None);
    }

    #[test]
    fn every_event_survives_the_round_trip(event in event(), fence in any::<u64>()) {
        let stamped = Stamped { fence: Fence(fence), event };
        let text = serde_json::to_string(&stamped).expect("it can be written");
        prop_assert_eq!(serde_json::from_str::<Stamped>(&text).expect("it can be read"), stamped);
    }
}

#[test]
fn likely_events_walk_three_phases_to_their_end() {
    let plan = rehearsed_plan();
    let state = RunState::replay(&journal(&plan, vec![None; 60])).expect("it is legal");
    assert!(state.has_passed(Phase::StagingCopy), "the random journals would never get anywhere");
    assert!(every_event().len() > 10);
}
