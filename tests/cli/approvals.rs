//! `migrate approve`: in the journal with name, reason and end.

use crate::site::{Site, snapshot};

#[test]
fn an_approval_is_journalled_with_name_and_reason() {
    let site = Site::new();
    let approved = site.migrate(&["approve", "4", "--reason", "CHG-1"]).expect(0);
    let log = site.migrate(&["log"]).expect(0);
    let status = site.migrate(&["status"]).expect(0);
    snapshot!("approve", [approved, log, status].map(|said| said.transcript_of_now()).join("\n"));
}

#[test]
fn an_approval_is_for_a_month_at_most() {
    let site = Site::new();
    site.migrate(&["approve", "4", "--reason", "CHG-1", "--for", "2592000001ms"]).expect(2);
    assert!(!site.migrate(&["log"]).stdout.contains("approved"));
    site.migrate(&["approve", "4", "--reason", "CHG-1", "--for", "30d"]).expect(0);
}

#[test]
fn the_time_that_a_check_is_told_is_not_the_time_of_an_approval() {
    let site = Site::new();
    let mut command = site.command(&["approve", "4", "--reason", "CHG-1"]);
    command.env("MIGRATE_AS_OF", "2001-01-01T00:00:00Z");
    site.finish(command).expect(0);
    let log = site.migrate(&["log"]).expect(0).stdout;
    assert!(!log.contains("2001-"), "{log}");
}
