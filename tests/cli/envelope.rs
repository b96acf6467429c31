//! One JSON envelope for every command and every wrong command line. That of every exit code is asserted in exit_codes.rs.

use std::collections::BTreeSet;

use migrate::core::Exit;

use crate::site::{Said, Site};
use crate::usage::WRONG;

/// Every command, in order, as far as it goes without a server.
const COMMANDS: [(&[&str], i32); 16] = [
    (&["init", "--rollout", "other.yaml"], 0),
    (&["plan", "--offline"], 0),
    (&["check"], 0),
    (&["check", "--for", "done"], 6),
    (&["approve", "4", "--reason", "CHG-1"], 0),
    (&["phase", "3"], 6),
    (&["rollback"], 0),
    (&["status"], 0),
    (&["log"], 0),
    (&["unlock"], 0),
    (&["permissions"], 0),
    (&["replan", "--reason", "x"], 0),
    (&["stuck", "retry", "1.cost", "--reason", "x"], 2),
    (&["schema"], 0),
    (&["completions", "bash"], 0),
    (&["man"], 0),
];

/// Fails the test unless standard output is one document with the envelope of docs/formats.md.
pub fn assert_envelope(said: &Said, command: &str) {
    let json = said.json();
    let envelope = json.as_object().unwrap_or_else(|| panic!("{}", said.transcript()));
    let fields: Vec<&str> = envelope.keys().map(String::as_str).collect();
    assert_eq!(fields, ["command", "error", "exit_code", "exit_meaning", "result", "version"]);
    assert_eq!(json["version"], 1);
    assert_eq!(json["command"], command, "{}", said.transcript());
    assert_eq!(json["exit_code"], said.code, "{}", said.transcript());
    let meaning = Exit::ALL.into_iter().find(|exit| i32::from(exit.code()) == said.code).map(Exit::meaning);
    assert_eq!(json["exit_meaning"].as_str(), meaning);
    assert!(json["result"].is_null() != json["error"].is_null(), "an answer or an error: {}", said.transcript());
    if let Some(error) = json["error"].as_object() {
        assert!(error["message"].as_str().is_some_and(|message| !message.trim().is_empty()));
        assert!(error.contains_key("hint") != error.contains_key("diagnostics"), "{}", said.transcript());
    }
}

#[test]
fn of_every_command() {
    let site = Site::new();
    for (arguments, code) in COMMANDS {
        let said = site.migrate(&[arguments, &["--output", "json"]].concat()).expect(code);
        assert_envelope(&said, arguments[0]);
    }
    let tried: BTreeSet<&str> = COMMANDS.iter().map(|(arguments, _)| arguments[0]).collect();
    let line = migrate::cli::command();
    let all: BTreeSet<&str> = line.get_subcommands().map(clap::Command::get_name).collect();
    assert_eq!(tried, all);
}

#[test]
fn of_every_wrong_command_line_wherever_json_is_asked_for() {
    let site = Site::new();
    let line = migrate::cli::command();
    for wrong in WRONG.into_iter().filter(|wrong| !wrong.contains(&"--output")) {
        let named = wrong.first().filter(|name| line.find_subcommand(name).is_some()).copied().unwrap_or_default();
        for place in 0..=wrong.len() {
            for json in [&["--output", "json"][..], &["--output=json"]] {
                let (before, after) = wrong.split_at(place);
                let said = site.migrate(&[before, json, after].concat()).expect(2);
                assert_envelope(&said, named);
            }
        }
    }
}
