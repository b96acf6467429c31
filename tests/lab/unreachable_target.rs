//! A production target that the operator does not reach any more, in the middle of phase 4, while its users do.

use std::process::Child;
use std::time::{Duration, Instant};

use crate::fixture::{Lab, Said, signal};
use crate::people::People;
use crate::phase_4::{TARGETS, approve, assert_original, is_on_a_release};

/// The one that is soaked, then the one it is compared with, then one to go back on. Nothing of it reaches the users.
pub fn goes_on_and_goes_back(lab: &Lab) {
    let people = People::in_front_of(lab);
    approve(lab);
    // Back from the middle of the wait.
    let child = held(lab, "production-1", "not observed");
    signal(&child, "INT");
    Said::from(child.wait_with_output().unwrap()).expect(130);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    approve(lab);
    // On, by itself.
    let child = held(lab, "production-2", "production-2 cannot be");
    Said::from(child.wait_with_output().unwrap()).expect(0);
    assert!(TARGETS.iter().all(|target| is_on_a_release(lab, target)));
    lab.control(&["path", "production-2", "cut"]);
    let said = lab.migrate(&["rollback", "--to", "3"]).expect(5);
    assert!(said.stderr.contains("ssh production-2") && said.stderr.contains("the same command"), "{said:?}");
    lab.control(&["path", "production-2", "restore"]);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    TARGETS.iter().for_each(|target| assert_original(lab, target, "after it was away"));
    people.have_noticed_nothing("a target away");
}

/// Phase 4 without that target from the first soak on, until it has said so and not passed the soak; the target is back.
fn held(lab: &Lab, away: &str, words: &str) -> Child {
    let mut child = lab.start_until(&["phase", "4"], "step_started", "4.production-1.soak");
    let before = lab.journal().lines().count();
    lab.control(&["path", away, "cut"]);
    let deadline = Instant::now() + Duration::from_secs(300);
    while !lab.journal().lines().skip(before).any(|line| line.contains(words)) {
        assert!(Instant::now() < deadline, "no word of {away}: {:?}", lab.journal().lines().last());
        std::thread::sleep(Duration::from_millis(200));
    }
    // More windows than the soak takes.
    let (said, observed) = (lab.journal().lines().count(), "\"type\":\"soak_observed\"");
    while lab.journal().lines().skip(said).filter(|line| line.contains(observed)).count() < 6 {
        assert!(Instant::now() < deadline, "it does not go on looking");
        assert!(child.try_wait().unwrap().is_none(), "it waits for {away}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let passed = "\"type\":\"step_succeeded\",\"data\":{\"step\":\"4.production-1.soak\"";
    assert!(!lab.journal().lines().skip(before).any(|line| line.contains(passed)), "not compared with {away}");
    lab.control(&["path", away, "restore"]);
    child
}
