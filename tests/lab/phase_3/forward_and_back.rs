//! Phase 3 from its beginning to its end, and its rollback from several points.

use std::time::Duration;

use super::{copy, lab_after_phase_2, rolls_back_to, workers};
use crate::fixture::wait_until;
use crate::hosts::original;

#[test]
fn killed_at_the_beginning_of_the_ramp_it_rolls_back() {
    let lab = lab_after_phase_2();
    let before = copy(&lab);
    lab.start_until(&["phase", "3"], "step_started", "3.ramp").kill();
    rolls_back_to(&lab, &before);
}

#[test]
fn killed_with_the_second_count_under_load_it_rolls_back() {
    let lab = lab_after_phase_2();
    let before = copy(&lab);
    let running = lab.start_until(&["phase", "3"], "step_started", "3.ramp");
    wait_until("the second count is set", Duration::from_secs(240), || workers(&lab).0 == "3");
    running.kill();
    rolls_back_to(&lab, &before);
}

#[test]
fn interrupted_it_resumes_to_the_end_and_rolls_back() {
    let lab = lab_after_phase_2();
    let (before, copied) = (original(&lab), copy(&lab));
    let running = lab.start_until(&["phase", "3"], "step_started", "3.ramp");
    running.signal("INT");
    running.wait().expect(130);
    let walked = lab.conclude(&["phase", "3"]).expect(0);
    let journal = lab.journal();
    for step in ["3.ramp", "3.cross-worker-state", "3.leak", "3.recommendation", "3.protected-unchanged"] {
        let judged = format!("\"type\":\"gate_judged\",\"data\":{{\"step\":\"{step}\",\"verdict\":\"pass\"");
        assert!(journal.contains(&judged), "{step}: {walked:?}");
    }
    // In the journal: a busy machine may have made the last gate inconclusive, and the command then went on from there.
    for said in ["50 users had an identity each", "over all 6 ordered pairs of 3 workers"] {
        assert!(journal.contains(said), "{said}: {walked:?}");
    }
    assert_eq!(workers(&lab), ("3".to_owned(), "3".to_owned()));
    let checked = lab.migrate(&["check"]).expect(0);
    for item in ["50 concurrent users handled", "Sessions persist across workers", "No memory leaks"] {
        assert!(checked.stdout.contains(&format!("- [x] {item}")), "{item}: {checked:?}");
    }
    rolls_back_to(&lab, &copied);
    assert_eq!(original(&lab), before);
}
