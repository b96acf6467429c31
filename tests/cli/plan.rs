//! `migrate plan --offline`: every step, and what each target gets.

use crate::site::{Site, snapshot};

/// Phase 4 with a change and a soak for each target that need no server.
const PRODUCTION: &str = "\
version: 1
phase: 4
title: Production, one instance at a time
steps:
  - protected_unchanged: { id: unchanged, baseline: \"${protected.baseline}\" }
  - each_target:
      - command: { id: switch, run: switch-to new, verify: is-at new, undo: switch-to old }
      - command_soak: { id: soak, look: how-was-it, guards: switch }
";

#[test]
fn an_offline_plan_shows_every_step() {
    let said = Site::new().migrate(&["plan", "--offline"]).expect(0);
    snapshot!("plan_offline", said.transcript());
    assert!(!said.stdout.contains("not built yet"), "{}", said.stdout);
}

#[test]
fn a_plan_of_one_phase_in_json() {
    let said = Site::new().migrate(&["plan", "1", "--offline", "--output", "json"]).expect(0);
    snapshot!("plan_in_json", said.transcript());
}

#[test]
fn a_plan_shows_what_each_target_gets() {
    let site = Site::new();
    site.copy_phases("mine");
    site.write("mine/4-production.yaml", PRODUCTION);
    let said = site.migrate(&["plan", "4", "--offline", "--phases", "mine"]).expect(0);
    snapshot!("plan_of_each_target", said.transcript());
}
