//! Before the first run: what each command says when there is no journal.

use crate::aws::{Aws, empty_account};
use crate::site::{Site, snapshot};

#[test]
fn there_is_no_run_yet() {
    let site = Site::new();
    snapshot!("status_before_the_first_run", site.migrate(&["status"]).expect(0).transcript());
    snapshot!("log_before_the_first_run", site.migrate(&["log"]).expect(0).transcript());
    snapshot!("unlock_when_free", site.migrate(&["unlock"]).expect(0).transcript());
    assert!(!site.path().join(".migrate").exists(), "looking leaves no trace");
}

#[test]
fn a_check_for_a_phase_says_what_is_missing() {
    let site = Site::new();
    let checks = ["1", "2", "done"].map(|goal| site.migrate(&["check", "--for", goal]));
    assert_eq!(checks.each_ref().map(|said| said.code), [0, 6, 6]);
    let [one, two, done] = checks.map(|said| said.transcript());
    snapshot!("check_for_a_phase_first", [one, two, done].join("\n"));
}

#[test]
fn a_rollback_without_a_journal_needs_credentials() {
    let site = Site::unreachable();
    snapshot!("rollback_without_credentials", site.migrate(&["rollback"]).expect(5).transcript());
}

#[test]
fn a_rollback_without_a_journal_lists_what_it_cannot_see() {
    let site = Site::unreachable();
    let aws = Aws::start(empty_account);
    let mut command = site.command(&["rollback", "--discover"]);
    aws.serve(&mut command);
    snapshot!("rollback_discovers", site.finish(command).expect(6).transcript());
}
