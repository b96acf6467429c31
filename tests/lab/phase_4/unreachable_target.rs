//! A production target that the operator cannot reach in the middle of phase 4, while its users can.

use std::time::Duration;

use super::{TARGETS, assert_originals, is_on_a_release, lab_before_phase_4};
use crate::fixture::{Lab, wait_until};
use crate::said::Running;
use crate::visitors::Visitors;

#[test]
fn interrupted_while_the_soaked_target_is_away_it_rolls_back() {
    let lab = lab_before_phase_4();
    let visitors = Visitors::in_front_of(&lab);
    let running = held(&lab, "production-1", "not observed");
    running.signal("INT");
    running.wait().expect(130);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}

#[test]
fn while_the_control_is_away_the_soak_waits_and_then_continues_by_itself() {
    let lab = lab_before_phase_4();
    let visitors = Visitors::in_front_of(&lab);
    let running = held(&lab, "production-2", "production-2 cannot be");
    running.wait().expect(0);
    assert!(TARGETS.iter().all(|target| is_on_a_release(&lab, target)));
    lab.control(&["path", "production-2", "cut"]);
    let said = lab.migrate(&["rollback", "--to", "3"]).expect(5);
    assert!(said.stderr.contains("ssh production-2") && said.stderr.contains("the same command"), "{said:?}");
    lab.control(&["path", "production-2", "restore"]);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}

/// Phase 4 without that target from the first soak on, until it has said so and not passed the soak; the target is back.
fn held(lab: &Lab, away: &str, words: &str) -> Running {
    let mut running = lab.start_until(&["phase", "4"], "step_started", "4.production-1.soak");
    let before = lab.journal().lines().count();
    lab.control(&["path", away, "cut"]);
    wait_until(&format!("the journal says of {away}: {words}"), Duration::from_secs(300), || {
        lab.journal().lines().skip(before).any(|line| line.contains(words))
    });
    // More windows than the soak takes.
    let (said, observed) = (lab.journal().lines().count(), "\"type\":\"soak_observed\"");
    wait_until("six more windows are observed", Duration::from_secs(300), || {
        assert!(!running.has_ended(), "it does not wait for {away}");
        lab.journal().lines().skip(said).filter(|line| line.contains(observed)).count() >= 6
    });
    let passed = "\"type\":\"step_succeeded\",\"data\":{\"step\":\"4.production-1.soak\"";
    assert!(!lab.journal().lines().skip(before).any(|line| line.contains(passed)), "not compared with {away}");
    lab.control(&["path", away, "restore"]);
    running
}
