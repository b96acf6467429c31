//! What operators do: two at once, a lost journal, changed files.

use crate::fixture::Lab;
use crate::said::Said;

#[test]
fn one_writer_at_a_time_and_a_stolen_lock_stops_the_first() {
    let lab = Lab::up();
    lab.control(&["settings", "slow_creating_seconds=20"]);
    let first = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    let second = lab.migrate(&["phase", "1"]).expect(7);
    assert!(second.stderr.contains("locked by") && second.stderr.contains("migrate phase 1"), "{second:?}");
    lab.migrate(&["unlock"]).expect(7);
    lab.migrate(&["unlock", "--force", "--reason", "a test"]).expect(0);
    lab.migrate(&["phase", "1"]).expect(0);
    let first = first.wait();
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
fn with_the_journal_gone_a_rollback_to_a_phase_keeps_what_that_phase_created() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    std::fs::remove_dir_all(lab.path().join(".migrate")).unwrap();
    for arguments in [&["rollback", "--to", "1", "--yes"][..], &["rollback", "--discover", "--to", "3", "--yes"]] {
        let nothing = lab.migrate(arguments).expect(0);
        assert!(
            nothing.stdout.contains("nothing to roll back: no target has anything of a phase after"),
            "{nothing:?}"
        );
        let offered = lab.migrate(&["rollback"]).expect(6);
        assert!(offered.stderr.contains("replication group chatmrpt-sessions"), "{offered:?}");
    }
}

#[test]
fn with_the_journal_gone_a_host_out_of_reach_is_said_and_the_rest_is_found() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    std::fs::remove_dir_all(lab.path().join(".migrate")).unwrap();
    lab.control(&["path", "production-2", "cut"]);
    let offered = lab.migrate(&["rollback"]).expect(6);
    assert!(offered.stderr.contains("replication group chatmrpt-sessions"), "{offered:?}");
    for step in ["room", "package", "cohort", "switch"] {
        let perhaps = format!("perhaps what 4.production-2.{step} made: ssh production-2");
        assert!(offered.stderr.contains(&perhaps), "{perhaps}: {offered:?}");
    }
    assert!(!offered.stderr.contains("4.production-1."), "{offered:?}");
    lab.control(&["path", "production-2", "restore"]);
    lab.migrate(&["rollback", "--discover", "--yes"]).expect(0);
    lab.assert_nothing_left();
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
    let running = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    // As when the connection of the operator's terminal breaks.
    running.signal("HUP");
    running.wait().expect(129);
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

/// `migrate` with other variables than the lab's.
fn with(lab: &Lab, variables: &[&str], arguments: &[&str]) -> Said {
    let mut entered = lab.enter("env");
    entered.args(variables).arg(env!("CARGO_BIN_EXE_migrate"));
    entered.arg("--rollout").arg(lab.path().join("rollout.yaml")).args(arguments);
    entered.output().unwrap().into()
}

#[test]
fn another_account_is_refused_in_both_directions() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let other = ["AWS_ACCESS_KEY_ID=111111111111", "AWS_SECRET_ACCESS_KEY=test"];
    for arguments in [&["phase", "1"][..], &["rollback", "--to", "0"]] {
        let refused = with(&lab, &other, arguments).expect(5);
        assert!(refused.stderr.contains("account 111111111111"), "{refused:?}");
    }
    lab.migrate(&["check", "--for", "2"]).expect(0);
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn another_region_is_refused_while_something_stands() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let rollout = lab.path().join("rollout.yaml");
    let text = std::fs::read_to_string(&rollout).unwrap();
    std::fs::write(&rollout, text.replace("region: us-east-2", "region: eu-west-1")).unwrap();
    let refused = lab.migrate(&["replan", "--reason", "x"]).expect(8);
    assert!(refused.stderr.contains("region changed"), "{refused:?}");
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn a_rollback_under_a_live_process_touches_nothing() {
    let lab = Lab::up();
    lab.control(&["settings", "slow_creating_seconds=20"]);
    let first = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
    for arguments in [&["rollback"][..], &["rollback", "--discover", "--yes"]] {
        lab.migrate(arguments).expect(7);
    }
    let first = first.wait();
    assert_eq!(first.code, 0, "{first:?}");
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}

#[test]
fn walked_again_a_phase_does_not_make_a_change_the_new_normal() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    let config = lab.path().join("ssh_config");
    let mut ssh = lab.enter("ssh");
    ssh.args(["-F", config.to_str().unwrap(), "staging", "echo '# edited' >> ChatMRPT/wsgi.py"]);
    assert!(ssh.status().unwrap().success());
    for _ in 0..2 {
        let changed = lab.migrate(&["phase", "1"]).expect(10);
        assert!(changed.stderr.contains("staging: the application's tree changed"), "{changed:?}");
    }
    lab.migrate(&["check", "--for", "2"]).expect(5);
    let status = lab.migrate(&["status"]).expect(0);
    assert!(status.stdout.contains("phase 1, failed") && status.stdout.contains("rollback --to 0"), "{status:?}");
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.migrate(&["phase", "1"]).expect(0);
}

#[test]
fn evidence_that_is_gone_or_changed_opens_no_gate() {
    let lab = Lab::up();
    lab.migrate(&["phase", "1"]).expect(0);
    lab.migrate(&["check", "--for", "2"]).expect(0);
    let evidence = lab.path().join(".migrate/evidence");
    for entry in std::fs::read_dir(&evidence).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("staging", "Staging").replace("available", "Available")).unwrap();
    }
    lab.migrate(&["check", "--for", "2"]).expect(6);
    std::fs::remove_dir_all(&evidence).unwrap();
    let gone = lab.migrate(&["check", "--for", "2"]).expect(6);
    assert!(gone.stdout.contains("Not yet"), "{gone:?}");
}
