//! What operators do: two at once, a lost journal, changed files.

use crate::fixture::{Lab, Said, signal};

#[test]
fn one_writer_at_a_time_and_a_stolen_lock_stops_the_first() {
    let lab = Lab::up();
    lab.control(&["settings", "slow_creating_seconds=8"]);
    let first = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    let second = lab.migrate(&["phase", "1"]).expect(7);
    assert!(second.stderr.contains("locked by") && second.stderr.contains("migrate phase 1"), "{second:?}");
    lab.migrate(&["unlock"]).expect(7);
    lab.migrate(&["unlock", "--force", "--reason", "a test"]).expect(0);
    lab.migrate(&["phase", "1"]).expect(0);
    let first = Said::from(first.wait_with_output().unwrap());
    assert_eq!(first.code, 7, "the first finds out before it writes: {first:?}");
    lab.assert_made_once();
    lab.migrate(&["unlock"]).expect(0);
    lab.migrate(&["log"]).expect(0);
}

#[test]
fn with_the_journal_gone_the_tags_still_lead_back() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    std::fs::remove_dir_all(lab.path().join(".migrate")).unwrap();
    let offered = lab.migrate(&["rollback"]).expect(6);
    assert!(offered.stderr.contains("replication group chatmrpt-sessions"), "{offered:?}");
    assert!(offered.stderr.contains("--discover --yes"), "{offered:?}");
    lab.migrate(&["rollback", "--discover", "--yes"]).expect(0);
    lab.assert_nothing_left();
    let nothing = lab.migrate(&["rollback", "--discover"]).expect(0);
    assert!(nothing.stdout.contains("nothing to roll back"), "{nothing:?}");
}

#[test]
fn a_damaged_journal_is_never_believed_and_the_way_back_stays() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let path = lab.path().join(".migrate/journal.jsonl");
    let changed = lab.journal().replacen("step_succeeded", "step_succeedeD", 1);
    std::fs::write(&path, changed).unwrap();
    let refused = lab.migrate(&["status"]).expect(1);
    assert!(refused.stderr.contains("was changed or lost") && refused.stderr.contains("--discover"), "{refused:?}");
    lab.migrate(&["rollback", "--discover", "--yes"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn changed_files_stop_the_way_forward_but_not_the_way_back() {
    let lab = Lab::up();
    let child = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    signal(&child, "INT");
    child.wait_with_output().unwrap();
    let rollout = lab.path().join("rollout.yaml");
    let text = std::fs::read_to_string(&rollout).unwrap();
    std::fs::write(&rollout, text.replace("latency_p99: 250ms", "latency_p99: 300ms")).unwrap();
    let drift = lab.migrate(&["phase", "1"]).expect(8);
    assert!(drift.stderr.contains("latency_p99"), "{drift:?}");
    lab.migrate(&["check"]).expect(8);
    lab.migrate(&["replan", "--reason", "slower is fine"]).expect(0);
    lab.migrate(&["phase", "1"]).expect(0);
    lab.assert_made_once();
    std::fs::write(&rollout, "not: [a rollout").unwrap();
    lab.migrate(&["phase", "1"]).expect(3);
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}
