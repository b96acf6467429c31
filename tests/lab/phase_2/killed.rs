//! `kill -9` at every step of phase 2, and while the path to the store is cut.

use std::time::Duration;

use super::{assert_no_copy, keys_of_the_copy};
use crate::fixture::{Lab, wait_until};
use crate::hosts::{on_host, original};
use crate::pace::shorten_comparison;

#[test]
fn killed_at_every_step_it_rolls_back() {
    let lab = Lab::up();
    shorten_comparison(&lab);
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    for step in ["2.copy", "2.bridge", "2.key-space", "2.configuration", "2.process", "2.right-store", "2.data"] {
        let child = lab.start_until(&["phase", "2"], "step_started", step);
        child.kill();
        lab.migrate(&["rollback", "--to", "1"]).expect(0);
        assert_no_copy(&lab);
        assert_eq!(keys_of_the_copy(&lab), 0, "after {step}");
        assert_eq!(original(&lab), before, "after {step}");
    }
}

#[test]
fn killed_it_resumes_and_killed_while_the_path_is_cut_the_host_heals_and_the_drill_is_repeated() {
    let lab = Lab::up();
    shorten_comparison(&lab);
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    let child = lab.start_until(&["phase", "2"], "step_started", "2.process");
    child.kill();
    let child = lab.start_until(&["phase", "2"], "step_started", "2.store-loss");
    let is_cut = || on_host(&lab, "staging", "ip -4 route show 10.78.0.50/32").contains("dev lo");
    wait_until("the path is cut", Duration::from_secs(120), is_cut);
    child.kill();
    wait_until("the host has restored the path by itself", Duration::from_secs(40), || !is_cut());
    lab.conclude(&["phase", "2"]).expect(0);
    assert_eq!(lab.journal().matches("\"type\":\"undo_finished\",\"data\":{\"step\":\"2.store-loss\"").count(), 1);
    assert_eq!(original(&lab), before);
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
}
