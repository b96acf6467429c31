//! Phase 4 from its beginning to its end, and its rollback.

use super::{SOAK, TARGETS, assert_originals, is_on_a_release, walk_to_phase_4};
use crate::fixture::Lab;
use crate::pace::shorten_all_phases;
use crate::visitors::Visitors;

/// Nothing is left out here: every item of the checklist is proven.
#[test]
fn both_targets_are_switched_and_rolled_back_unnoticed() {
    let lab = Lab::up();
    shorten_all_phases(&lab);
    walk_to_phase_4(&lab, SOAK);
    let visitors = Visitors::in_front_of(&lab);
    lab.migrate(&["phase", "4"]).expect(0);
    assert!(TARGETS.iter().all(|target| is_on_a_release(&lab, target)));
    lab.migrate(&["check", "--for", "done"]).expect(0);
    lab.migrate(&["rollback", "--to", "3"]).expect(0);
    assert_originals(&lab);
    visitors.have_noticed_nothing();
}
