//! Every seeded bug is found, by the property it breaks. A model that cannot find them would prove nothing.

use std::collections::BTreeSet;

use migrate::core::{Contract, Direction, Effect, Outcome, Phase, PlannedStep, RunState, StepStatus, tripped};
use stateright::{Checker, HasDiscoveries, Model};

use crate::bug::Bug;
use crate::invariants::{
    AGREE, COMPLETE, EMPTY, FLIGHT, FORTH, GATES, INTENT, KNOWN, LEASE, ONCE, ORDERED, REHEARSED, RESCUE, REVERTED,
    SOAK, TURNED,
};
use crate::rig::Rig;
use crate::scenario::Scenario;

/// What a buggy `decide` answers; `None` when the bug is elsewhere, and the shipped one is asked.
pub fn decide_with(rig: &Rig, journal: &RunState) -> Option<Effect> {
    match (rig.bug?, journal.direction()) {
        (Bug::UndoSkipsStarted, Direction::Back(to)) => {
            Some(back(journal, to, true, |status| status == StepStatus::Started))
        }
        (Bug::UndoForwards, Direction::Back(to)) => Some(back(journal, to, false, |_| false)),
        (Bug::LostReplyIsClean, Direction::Back(to)) => {
            Some(back(journal, to, true, |status| status == StepStatus::Failed(Outcome::Clean)))
        }
        (Bug::TurnedEarly, Direction::Forward(phase)) => {
            let rehearsal = journal.rehearsal_going_back(phase)?.clone();
            let is_undone = journal.started().any(|(_, record)| record.status == StepStatus::Undone);
            is_undone.then_some(Effect::TurnRehearsal(rehearsal))
        }
        (Bug::RedoneEarly, Direction::Forward(phase)) => {
            journal.rehearsal_going_back(phase)?;
            let mut steps = rig.scenario.plan.steps_of(phase);
            let undone = steps.find(|step| journal.status(&step.id) == Some(StepStatus::Undone))?;
            Some(Effect::Apply(undone.id.clone()))
        }
        (Bug::AbortForgotten, Direction::Forward(_)) => {
            tripped(journal, &rig.scenario.plan).map(|gate| Effect::Apply(gate.id.clone()))
        }
        (Bug::SecondTooEarly, Direction::Forward(phase)) => {
            let is_new = |step: &&PlannedStep| {
                step.contract == Contract::Change && matches!(journal.status(&step.id), None | Some(StepStatus::Undone))
            };
            let unmade = rig.scenario.plan.steps_of(phase).find(is_new)?;
            Some(Effect::Apply(unmade.id.clone()))
        }
        (Bug::PassedEarly, Direction::Forward(phase)) => {
            let mut steps = rig.scenario.plan.steps_of(phase);
            let first = steps.next()?;
            let done = journal.status(&first.id) == Some(StepStatus::Succeeded);
            done.then_some(Effect::PassPhase(phase))
        }
        _ => None,
    }
}

fn back(journal: &RunState, to: Phase, newest_first: bool, skip: impl Fn(StepStatus) -> bool) -> Effect {
    let mut left: Vec<_> = journal
        .started()
        .filter(|(_, record)| record.phase > to && record.status != StepStatus::Undone && !skip(record.status))
        .map(|(id, _)| id.clone())
        .collect();
    if newest_first {
        left.reverse();
    }
    let next = left.into_iter().next();
    next.map_or(Effect::FinishRollback(to), Effect::Undo)
}

/// Asserts that the checker finds `property` broken, and that the path to it is a real one.
fn found(scenario: Scenario, bug: Bug, property: &'static str) {
    let wanted = BTreeSet::from([property]);
    let rig = Rig::with(scenario, bug);
    let checker = rig.checker().threads(2).finish_when(HasDiscoveries::AnyOf(wanted)).spawn_bfs().join();
    let path = checker.discovery(property);
    assert!(path.is_some(), "{bug:?} goes unnoticed by: {property}");
}

#[test]
fn a_blind_retry_creates_twice() {
    found(Scenario::changes(), Bug::BlindRetry, ONCE);
}

#[test]
fn an_effect_before_its_intent_has_no_permit() {
    found(Scenario::changes(), Bug::EffectBeforeIntent, INTENT);
}

#[test]
fn an_effect_before_its_intent_leaves_what_no_journal_knows() {
    found(Scenario::changes(), Bug::EffectBeforeIntent, KNOWN);
}

#[test]
fn an_effect_before_its_intent_cannot_be_rolled_back() {
    found(Scenario::changes(), Bug::EffectBeforeIntent, RESCUE);
}

#[test]
fn inconclusive_written_as_a_pass_is_found() {
    found(Scenario::judged(), Bug::InconclusivePasses, GATES);
}

#[test]
fn an_exercise_that_passes_unjudged_or_is_left_as_it_was_is_found() {
    found(Scenario::exercised(), Bug::InconclusivePasses, GATES);
    found(Scenario::exercised(), Bug::SuccessUnjudged, AGREE);
    found(Scenario::exercised(), Bug::LostReplyIsClean, RESCUE);
    found(Scenario::exercised(), Bug::UndoSkipsStarted, RESCUE);
}

#[test]
fn a_gap_written_as_observed_is_found() {
    found(Scenario::judged(), Bug::GapObserved, SOAK);
}

#[test]
fn a_stale_writer_under_the_newest_fence_is_found() {
    found(Scenario::theft(), Bug::StaleFenceAccepted, LEASE);
}

#[test]
fn a_stale_writer_that_tries_again_is_found() {
    found(Scenario::theft(), Bug::RetryWithoutLease, FLIGHT);
}

#[test]
fn an_undo_that_skips_started_steps_never_ends() {
    found(Scenario::changes(), Bug::UndoSkipsStarted, RESCUE);
}

#[test]
fn an_undo_in_the_wrong_order_gets_stuck() {
    found(Scenario::changes(), Bug::UndoForwards, RESCUE);
}

#[test]
fn a_lost_reply_taken_for_a_refusal_leaves_something() {
    found(Scenario::changes(), Bug::LostReplyIsClean, RESCUE);
}

#[test]
fn an_undo_that_nobody_saw_leaves_something() {
    found(Scenario::changes(), Bug::UndoUnseen, KNOWN);
}

#[test]
fn a_broken_thing_that_is_adopted_is_found() {
    found(Scenario::changes(), Bug::BrokenAdopted, COMPLETE);
}

#[test]
fn a_phase_that_passes_early_is_refused_by_the_reducer() {
    found(Scenario::changes(), Bug::PassedEarly, AGREE);
}

#[test]
fn a_success_before_the_verdict_is_refused_by_the_reducer() {
    found(Scenario::judged(), Bug::SuccessUnjudged, AGREE);
}

#[test]
fn a_rehearsal_that_turns_early_is_refused_by_the_reducer() {
    found(Scenario::rehearsed(), Bug::TurnedEarly, AGREE);
}

#[test]
fn a_redo_before_the_turn_is_refused_by_the_reducer() {
    found(Scenario::rehearsed(), Bug::RedoneEarly, AGREE);
}

#[test]
fn a_rehearsal_that_was_none_is_refused_by_the_reducer() {
    found(Scenario::rehearsed(), Bug::NeverRehearsed, AGREE);
}

#[test]
fn a_rehearsal_that_was_none_never_ends() {
    found(Scenario::rehearsed(), Bug::NeverRehearsed, FORTH);
}

#[test]
fn an_undo_that_nobody_saw_was_no_rehearsal() {
    found(Scenario::rehearsed(), Bug::UndoUnseen, REHEARSED);
}

#[test]
fn an_undo_that_nobody_saw_is_redone_on_top_of_the_old() {
    found(Scenario::rehearsed(), Bug::UndoUnseen, TURNED);
}

#[test]
fn a_blind_retry_in_a_rehearsal_creates_twice() {
    found(Scenario::rehearsed(), Bug::BlindRetry, ONCE);
}

#[test]
fn a_rollback_that_ends_without_looking_is_found() {
    found(Scenario::theft(), Bug::RollbackEndsUnseen, EMPTY);
}

#[test]
fn an_abort_that_waits_for_a_person_is_found() {
    found(Scenario::guarded(), Bug::AbortWaits, REVERTED);
    found(Scenario::targets(), Bug::AbortWaits, REVERTED);
}

#[test]
fn an_abort_that_a_crash_makes_forgotten_is_found() {
    found(Scenario::guarded(), Bug::AbortForgotten, REVERTED);
    found(Scenario::targets(), Bug::AbortForgotten, REVERTED);
}

#[test]
fn a_second_target_that_does_not_wait_is_found() {
    found(Scenario::targets(), Bug::SecondTooEarly, ORDERED);
}

#[test]
fn a_soak_that_a_crash_shortens_is_found() {
    found(Scenario::targets(), Bug::GapObserved, SOAK);
}
