//! The protocol as shipped holds in every state, and its ends are reachable.

use stateright::{Checker, Model};

use crate::invariants::{ADOPTED, PASSED, RETURNED, STUCK};
use crate::rig::Rig;
use crate::scenario::Scenario;

/// Visits every state; all properties hold, and each of `ends` was seen.
fn holds(scenario: Scenario, at_least: usize) {
    let began = std::time::Instant::now();
    let checker = Rig::sound(scenario).checker().threads(2).spawn_bfs().join();
    eprintln!("{} unique states, depth {}, {:.1?}", checker.unique_state_count(), checker.max_depth(), began.elapsed());
    checker.assert_properties();
    assert!(checker.is_done());
    for end in [PASSED, RETURNED, STUCK, ADOPTED] {
        assert!(checker.discovery(end).is_some(), "never seen: {end}");
    }
    assert!(
        checker.unique_state_count() >= at_least,
        "only {} states: is the model vacuous?",
        checker.unique_state_count()
    );
}

#[test]
fn two_changes_under_crashes_and_faults() {
    holds(Scenario::changes(), 1_000);
}

#[test]
fn a_gate_and_a_soak_under_crashes_and_faults() {
    holds(Scenario::judged(), 1_000);
}

#[test]
fn what_is_made_again_is_judged_again() {
    holds(Scenario::judged_again(), 1_000);
}

#[test]
fn a_rehearsal_under_crashes_and_faults() {
    holds(Scenario::rehearsed(), 1_000);
}

#[test]
fn a_rehearsal_between_gates() {
    holds(Scenario::rehearsed_and_judged(), 1_000);
}

#[test]
fn an_abort_undoes_what_its_gate_guards() {
    holds(Scenario::guarded(), 1_000);
}

#[test]
fn an_exercise_begins_again_and_goes_back() {
    holds(Scenario::exercised(), 1_000);
}

#[test]
fn two_targets_one_after_the_other() {
    holds(Scenario::targets(), 1_000);
}

#[test]
fn two_processes_and_a_stolen_lock() {
    holds(Scenario::theft(), 1_000);
}
