//! Copies, and a store, that are unfit for phase 2 and are stopped under load: each at the step that is there to notice, and
//! rolled back cleanly.

use super::{assert_no_copy, set_in_the_copy, stops, stops_at_one_of};
use crate::fixture::Lab;
use crate::hosts::original;

#[test]
fn a_copy_that_is_much_slower() {
    let slower = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "slower:200");
    stops("slower", slower, "2.comparison", "times as long");
}

#[test]
fn a_copy_that_takes_users_for_one_another() {
    let bleeds = |lab: &Lab| set_in_the_copy(lab, "VARIANT", "bleeds:3");
    // One answer in three is about another user: whoever walks the journeys first may be lucky.
    let steps = ["2.settings", "2.right-store", "2.data", "2.comparison"];
    stops_at_one_of("bleeds", bleeds, &steps, "whoami");
}

#[test]
fn a_store_that_cannot_be_reached_any_more() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    lab.control(&["store", "cut"]);
    let said = lab.migrate(&["phase", "2"]);
    assert!(said.code != 0, "{said:?}");
    lab.control(&["store", "restore"]);
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
    assert_eq!(original(&lab), before);
}
