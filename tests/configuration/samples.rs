//! Sample files, one rule each, and what is said about them.

use std::path::PathBuf;

use migrate::configuration::{Severity, Style, render_text};

use crate::support::{codes, found, load_phase, load_rollout, repository};

fn samples(directory: &str) -> Vec<(String, PathBuf)> {
    let mut files: Vec<_> = std::fs::read_dir(repository(directory))
        .expect("the directory is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// Runs a check over all samples and fails with everything it says.
fn each(directory: &str, check: impl Fn(&str, Vec<u8>) -> Result<(), String>) {
    let failures: Vec<String> = samples(directory)
        .into_iter()
        .filter_map(|(name, path)| {
            let outcome = check(&name, std::fs::read(path).expect("a readable sample"));
            outcome.err().map(|why| format!("{name}: {why}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if condition { Ok(()) } else { Err(otherwise()) }
}

/// The first comment of a sample names the codes it must give, so that a sample cannot pass for the wrong reason.
fn expected_codes(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let first = text.lines().next().unwrap_or_default();
    first.strip_prefix("# expect: ").expect("the sample says what it expects").split(", ").map(str::to_owned).collect()
}

#[test]
fn every_invalid_rollout_is_explained() {
    each("tests/configuration/invalid", |name, bytes| {
        let expected = expected_codes(&bytes);
        let found = found(load_rollout(bytes));
        insta::assert_snapshot!(format!("rollout__{name}"), render_text(&found, Style::Plain));
        holds(codes(&found) == expected, || format!("found {:?}, expected {expected:?}", codes(&found)))
    });
}

#[test]
fn every_invalid_phase_is_explained() {
    each("tests/configuration/invalid-phases", |name, bytes| {
        let expected = expected_codes(&bytes);
        let found = found(load_phase(1, bytes));
        insta::assert_snapshot!(format!("phase__{name}"), render_text(&found, Style::Plain));
        holds(codes(&found) == expected, || format!("found {:?}, expected {expected:?}", codes(&found)))
    });
}

#[test]
fn every_invalid_production_phase_is_explained() {
    each("tests/configuration/invalid-production", |name, bytes| {
        let expected = expected_codes(&bytes);
        let found = found(load_phase(4, bytes));
        insta::assert_snapshot!(format!("production__{name}"), render_text(&found, Style::Plain));
        holds(codes(&found) == expected, || format!("found {:?}, expected {expected:?}", codes(&found)))
    });
}

#[test]
fn every_valid_rollout_is_accepted() {
    each("tests/configuration/valid", |_, bytes| {
        let found = found(load_rollout(bytes));
        holds(found.is_empty(), || render_text(&found, Style::Plain))
    });
}

#[test]
fn mistakes_are_sorted_and_only_warnings_leave_a_plan() {
    each("tests/configuration/invalid", |_, bytes| {
        let result = load_rollout(bytes);
        let usable = result.is_ok();
        let found = found(result);
        let only_warnings = found.iter().all(|item| item.severity == Severity::Warning);
        holds(found.is_sorted_by_key(|item| (item.line, item.column)), || "not sorted".into())?;
        holds(usable == only_warnings, || format!("a plan came out: {usable}"))
    });
}
