//! `migrate check` of the files alone: what is right with them, and every mistake in them, for people and for CI.

use crate::site::{Site, snapshot};

#[test]
fn the_repository_passes_the_offline_check() {
    let site = Site::new();
    let said = site.migrate(&["check"]).expect(0);
    snapshot!("check_of_the_repository", said.transcript());
    assert_eq!(site.migrate(&["check", "--quiet"]).stdout, "", "quiet says only what is wrong");
}

#[test]
fn a_missing_rollout_says_what_to_type() {
    let said = Site::empty().migrate(&["check"]).expect(3);
    snapshot!("check_without_rollout", said.transcript());
}

#[test]
fn every_mistake_is_shown_at_once() {
    let site = Site::new();
    site.edit("port: 8081", "port: 8080");
    site.edit("duration: 10m", "duration: 0s");
    site.edit("soak: { duration: 24h, minimum_requests: 10000, peak_hour_requests: 1000 }", "soak: { duration: 0s }");
    let said = site.migrate(&["check"]).expect(3);
    snapshot!("check_every_mistake", said.transcript());
    assert!(!said.stderr.contains('\u{1b}'), "no colors outside a terminal");
}

#[test]
fn mistakes_are_annotations_on_github_and_failures_in_junit() {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    let mut command = site.command(&["check", "--junit", "out.xml"]);
    command.env("GITHUB_ACTIONS", "true");
    let said = site.finish(command).expect(3);
    snapshot!("check_in_ci", format!("{}--- out.xml\n{}", said.transcript(), site.read("out.xml")));
    let json = site.migrate(&["check", "--output", "json"]).expect(3);
    snapshot!("check_in_json", json.transcript());
}

#[test]
fn a_report_that_cannot_be_written_is_said_beside_one_answer() {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    let said = site.migrate(&["check", "--junit", "nowhere/out.xml", "--output", "json"]).expect(3);
    assert_eq!(said.json()["exit_code"], 3);
    snapshot!("check_without_a_place_for_its_report", said.transcript());
}
