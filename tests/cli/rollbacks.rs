//! What `migrate rollback` says of recorded runs when neither AWS nor a host can be reached.

use crate::aws::{Aws, empty_account};
use crate::recorded::{recorded, recorded_today};
use crate::site::snapshot;

#[test]
fn to_the_phase_that_has_passed_undoes_nothing() {
    snapshot!("rollback_to_4", recorded("full").migrate(&["rollback", "--to", "4"]).expect(0).transcript_of_now());
}

#[test]
fn of_what_was_rolled_back_undoes_nothing() {
    let said = recorded("full_rolled_back").migrate(&["rollback"]).expect(0);
    snapshot!("rollback_again", said.transcript_of_now());
}

#[test]
fn to_a_phase_that_was_not_reached_is_refused() {
    let said = recorded("full_rolled_back").migrate(&["rollback", "--to", "2"]).expect(2);
    snapshot!("rollback_to_unreached", said.transcript_of_now());
}

#[test]
fn with_the_credentials_of_another_account_nothing_is_discovered() {
    let site = recorded("full");
    let journal = site.read(".migrate/journal.jsonl");
    let aws = Aws::start(empty_account);
    let mut command = site.command(&["rollback", "--discover", "--yes"]);
    aws.serve(&mut command);
    snapshot!("rollback_discover_other_account", site.finish(command).expect(5).transcript_of_now());
    assert_eq!(site.read(".migrate/journal.jsonl"), journal, "the journal is neither set aside nor changed");
}

#[test]
fn of_everything_asks_first_whose_account_it_is() {
    let said = recorded("full").migrate(&["rollback", "--to", "0"]).expect(5);
    snapshot!("rollback_to_0_without_credentials", said.transcript_of_now());
}

#[test]
fn a_host_that_cannot_be_asked_leaves_the_step_stuck() {
    let site = recorded("full");
    let said = site.migrate(&["rollback", "--reason", "the release is slow"]).expect(9);
    let status = site.migrate(&["status"]).expect(9);
    snapshot!("rollback_stuck", [said, status].map(|said| said.transcript_of_now()).join("\n"));
}

#[test]
fn a_stuck_step_is_settled() {
    let ways = ["retry", "forget", "adopt"].map(|how| {
        let site = recorded_today("stuck");
        site.migrate(&["stuck", how, "1.replication-group", "--reason", "looked at it"]).expect(0).transcript_of_now()
    });
    snapshot!("stuck_settled", ways.join("\n"));
}
