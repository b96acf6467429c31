//! Each exit code with everything that is said, in text and in JSON.

use std::path::Path;

use migrate::core::Exit;

use crate::envelope::assert_envelope;
use crate::scenes::scene;
use crate::site::{REPOSITORY, snapshot};

/// The second run begins where the first has stopped.
fn text_and_json(exit: Exit) {
    let code = i32::from(exit.code());
    let scene = scene(exit);
    let text = scene.play(&[]).expect(code);
    let json = scene.play(&["--output", "json"]).expect(code);
    assert_envelope(&json, scene.name());
    snapshot!(format!("exit_{code:02}"), [text, json].map(|said| said.transcript_of_now()).join("\n"));
}

#[test]
fn every_exit_code_has_a_snapshot() {
    for code in Exit::ALL.map(Exit::code) {
        let file = Path::new(REPOSITORY).join(format!("tests/cli/snapshots/exit_{code:02}.snap"));
        assert!(file.exists(), "{} is missing: write a test for exit code {code}", file.display());
    }
}

#[test]
fn exit_0_pass() {
    text_and_json(Exit::Pass);
}

#[test]
fn exit_1_internal_error() {
    text_and_json(Exit::Internal);
}

#[test]
fn exit_2_usage() {
    text_and_json(Exit::Usage);
}

#[test]
fn exit_3_invalid_files() {
    text_and_json(Exit::InvalidFiles);
}

#[test]
fn exit_4_waiting_for_permissions() {
    text_and_json(Exit::WaitingForPermissions);
}

#[test]
fn exit_5_gate_failed() {
    text_and_json(Exit::GateFailed);
}

#[test]
fn exit_6_waiting() {
    text_and_json(Exit::Waiting);
}

#[test]
fn exit_7_locked() {
    text_and_json(Exit::Locked);
}

#[test]
fn exit_8_plan_drift() {
    text_and_json(Exit::PlanDrift);
}

#[test]
fn exit_9_stuck() {
    text_and_json(Exit::Stuck);
}

#[test]
fn exit_10_protected_thing_changed() {
    text_and_json(Exit::ProtectedChanged);
}

#[test]
fn exit_129_hung_up() {
    text_and_json(Exit::HungUp);
}

#[test]
fn exit_130_interrupted() {
    text_and_json(Exit::Interrupted);
}

#[test]
fn exit_143_terminated() {
    text_and_json(Exit::Terminated);
}
