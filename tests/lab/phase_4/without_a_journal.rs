//! The journal is lost while a target serves the release: what is on the targets is enough for a rollback.

use super::{assert_originals, is_on_a_release, lab_before_phase_4};
use crate::visitors::Visitors;

#[test]
fn what_is_on_the_targets_is_discovered_and_rolled_back() {
    let lab = lab_before_phase_4();
    lab.start_until(&["phase", "4"], "step_succeeded", "4.production-1.switch").kill();
    assert!(is_on_a_release(&lab, "production-1"));
    std::fs::remove_dir_all(lab.path().join(".migrate")).unwrap();
    let visitors = Visitors::in_front_of(&lab);
    let offered = lab.migrate(&["rollback"]).expect(6);
    for words in
        ["4.production-1.switch", "2.copy", "replication group", "mv -T /home/ec2-user/ChatMRPT.releases/original"]
    {
        assert!(offered.stderr.contains(words), "{words}: {offered:?}");
    }
    // Only phase 4: the copy and the store stay.
    lab.migrate(&["rollback", "--discover", "--to", "3", "--yes"]).expect(0);
    assert_originals(&lab);
    let kept = lab.migrate(&["rollback", "--discover"]).expect(6);
    assert!(kept.stderr.contains("2.copy") && kept.stderr.contains("replication group"), "{kept:?}");
    assert!(!kept.stderr.contains("what 4."), "{kept:?}");
    lab.migrate(&["rollback", "--discover", "--yes"]).expect(0);
    lab.assert_nothing_left();
    visitors.have_noticed_nothing();
}
