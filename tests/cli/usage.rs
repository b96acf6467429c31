//! Command lines that are wrong: exit code 2, what is wrong with them, and the same in JSON wherever that is asked for.

use crate::site::{Site, snapshot};

/// Each is wrong in a way of its own.
pub const WRONG: [&[&str]; 21] = [
    &[],
    &["nonsense"],
    &["statsu"],
    &["status", "4"],
    &["check", "--output", "yaml"],
    &["check", "--quiet", "--verbose"],
    &["check", "--for", "9"],
    &["phase"],
    &["phase", "5"],
    &["phase", "one"],
    &["rollback", "--to", "9"],
    &["approve", "4"],
    &["approve", "4", "--reason", " "],
    &["approve", "4", "--reason", "x", "--for", "0s"],
    &["approve", "4", "--reason", "x", "--for", "31d"],
    &["approve", "4", "--reason", "x", "--for", "720h1m"],
    &["approve", "4", "--reason", "x", "--for", "2592000001ms"],
    &["unlock", "--force"],
    &["stuck", "retry", "1.cost", "--reason", "x"],
    &["replan", "--reason", "x"],
    &["completions", "tcsh"],
];

#[test]
fn a_wrong_command_line_says_what_is_wrong_with_it() {
    let site = Site::new();
    let transcripts: Vec<String> = WRONG.iter().map(|wrong| site.migrate(wrong).expect(2).transcript()).collect();
    snapshot!("usage", transcripts.join("\n"));
    assert!(!site.path().join(".migrate").exists(), "a wrong command line leaves no trace");
}

#[test]
fn a_time_to_judge_by_has_to_be_one() {
    let site = Site::new();
    let said = [&["check"][..], &["plan", "--offline", "--output", "json"]].map(|arguments| {
        let mut command = site.command(arguments);
        command.env("MIGRATE_AS_OF", "yesterday");
        site.finish(command).expect(2)
    });
    snapshot!("as_of_no_time", said.map(|said| said.transcript()).join("\n"));
}
