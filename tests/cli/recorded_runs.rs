//! Everything that is said, offline, about a run that is over, stuck or was aborted.

use std::process::Command;

use migrate::journal::StateDirectory;

use crate::recorded::{recorded, recorded_today};
use crate::site::{Site, snapshot};

/// Every recorded run.
const RUNS: [&str; 4] = ["full", "full_rolled_back", "aborted", "stuck"];

/// A command as if the recording had ended this many hours ago, so that no evidence grows old in the repository.
fn hours_later(site: &Site, hours: i64, arguments: &[&str]) -> Command {
    let state = StateDirectory::new(site.path().join(".migrate"));
    let ended = state.replay().unwrap().last_at.expect("a recorded run has events");
    let mut command = site.command(arguments);
    command.env("MIGRATE_AS_OF", (ended + jiff::SignedDuration::from_hours(hours)).to_string());
    command
}

#[test]
fn status() {
    for run in RUNS {
        snapshot!(format!("status_{run}"), recorded(run).migrate(&["status"]).transcript());
    }
    let json = recorded("stuck").migrate(&["status", "--output", "json"]).expect(9);
    snapshot!("status_in_json", json.transcript());
}

#[test]
fn log() {
    for run in RUNS {
        snapshot!(format!("log_{run}"), recorded(run).migrate(&["log"]).expect(0).transcript());
    }
    let site = recorded("stuck");
    let last = site.migrate(&["log", "--last", "3"]).expect(0);
    let json = site.migrate(&["log", "--last", "3", "--output", "json"]).expect(0);
    snapshot!("log_last", [last, json].map(|said| said.transcript()).join("\n"));
}

#[test]
fn check() {
    for run in RUNS {
        let site = recorded_today(run);
        let said = [&["check"][..], &["check", "--for", "4"], &["check", "--for", "done"]]
            .map(|arguments| site.finish(hours_later(&site, 1, arguments)).transcript());
        snapshot!(format!("check_{run}"), said.join("\n"));
    }
}

#[test]
fn check_when_the_evidence_is_old() {
    let site = recorded_today("full");
    let said = site.finish(hours_later(&site, 24 * 8, &["check", "--for", "done"])).expect(6);
    snapshot!("check_with_old_evidence", said.transcript());
}

#[test]
fn check_in_ci() {
    let site = recorded_today("stuck");
    let mut command = hours_later(&site, 1, &["check", "--for", "done", "--junit", "out.xml"]);
    command.env("GITHUB_ACTIONS", "true");
    let said = site.finish(command).expect(9);
    let json = site.finish(hours_later(&site, 1, &["check", "--for", "done", "--output", "json"])).expect(9);
    let text = [said.transcript(), format!("--- out.xml\n{}", site.read("out.xml")), json.transcript()];
    snapshot!("check_stuck_in_ci", text.join("\n"));
}

#[test]
fn plan() {
    for run in RUNS {
        let site = recorded_today(run);
        let said = site.finish(hours_later(&site, 1, &["plan", "--offline"])).expect(0);
        snapshot!(format!("plan_{run}"), said.transcript());
    }
}
