//! `kill -9` in the middle of phase 4 and of its rollback.

use std::time::{Duration, Instant};

use super::{TARGETS, assert_originals, is_on_a_release, lab_before_phase_4};
use crate::fixture::Lab;
use crate::visitors::Visitors;

#[test]
fn killed_again_and_again_it_resumes_and_rolls_back_unnoticed() {
    let lab = lab_before_phase_4();
    let visitors = Visitors::in_front_of(&lab);
    // Wherever it happens to be.
    for milliseconds in [1_500, 4_000, 700, 9_000, 2_500, 14_000] {
        killed_after(&lab, &["phase", "4"], milliseconds);
    }
    lab.migrate(&["phase", "4"]).expect(0);
    assert!(TARGETS.iter().all(|target| is_on_a_release(&lab, target)));
    for milliseconds in [600, 2_000, 1_200] {
        killed_after(&lab, &["rollback", "--to", "3"], milliseconds);
    }
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}

/// Starts `migrate` and kills it after this time, unless it has ended by itself.
fn killed_after(lab: &Lab, arguments: &[&str], milliseconds: u64) {
    let mut running = lab.start(arguments);
    let deadline = Instant::now() + Duration::from_millis(milliseconds);
    while Instant::now() < deadline && !running.has_ended() {
        std::thread::sleep(Duration::from_millis(20));
    }
    if !running.has_ended() {
        running.signal("KILL");
    }
    running.wait();
}
