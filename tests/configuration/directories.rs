//! `--phases DIR`.

use std::path::Path;

use migrate::configuration::{Diagnostic, LoadOptions, Loaded, PhaseFiles, load};
use migrate::core::Digest;
use migrate::steps::BuiltInKinds;

use crate::support::{codes, repository};

fn copy_of_phases() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for file in std::fs::read_dir(repository("phases")).expect("phases/") {
        let file = file.expect("an entry");
        if file.path().is_file() {
            std::fs::copy(file.path(), directory.path().join(file.file_name())).expect("a copy");
        }
    }
    directory
}

fn load_with(directory: &Path) -> Result<Loaded, Vec<Diagnostic>> {
    let options = LoadOptions { rollout: repository("rollout.yaml"), phases: Some(directory.to_owned()) };
    load(&options, &BuiltInKinds).map_err(migrate::configuration::Diagnostics::into_vec)
}

#[test]
fn the_repository_phases_are_the_built_in_ones() {
    let directory = repository("phases");
    let built_in = load(&LoadOptions { rollout: repository("rollout.yaml"), phases: None }, &BuiltInKinds);
    let built_in = built_in.unwrap_or_else(|found| panic!("{found}"));
    let read = load_with(&directory).expect("a plan");
    let names = |loaded: &Loaded| loaded.installed.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&read),
        names(&built_in),
        "src/configuration/embedded.rs must list every file that phases/ installs"
    );
    assert_eq!(read.plan.digest(), built_in.plan.digest());
}

#[test]
fn a_missing_phase_is_an_error_for_each() {
    let directory = copy_of_phases();
    std::fs::remove_file(directory.path().join("2-staging-copy.yaml")).expect("removed");
    std::fs::remove_file(directory.path().join("4-production.yaml")).expect("removed");
    let found = load_with(directory.path()).expect_err("two phases are missing");
    assert_eq!(codes(&found), ["phases/missing-file", "phases/missing-file"]);
    assert!(found[0].file.ends_with("/2-*.yaml") && found[1].file.ends_with("/4-*.yaml"));
}

#[test]
fn a_second_file_for_a_phase_is_an_error() {
    let directory = copy_of_phases();
    std::fs::copy(directory.path().join("3-worker-tuning.yaml"), directory.path().join("3-other.yaml"))
        .expect("a copy");
    let found = load_with(directory.path()).expect_err("two files for phase 3");
    assert_eq!(codes(&found), ["phases/duplicate-file"]);
}

#[test]
fn a_yaml_file_that_is_no_phase_is_a_warning() {
    let directory = copy_of_phases();
    std::fs::write(directory.path().join("5-afterwards.yaml"), "version: 1\n").expect("written");
    let loaded = load_with(directory.path()).expect("a plan");
    assert_eq!(codes(&loaded.warnings), ["phases/ignored-file"]);
}

#[test]
fn installed_files_are_part_of_the_plan() {
    let directory = copy_of_phases();
    let before = load_with(directory.path()).expect("a plan");
    std::fs::create_dir(directory.path().join("bridge")).expect("a directory");
    std::fs::write(directory.path().join("bridge/module.py"), b"print('\xff')").expect("written");
    std::fs::create_dir(directory.path().join("__pycache__")).expect("a directory");
    std::fs::write(directory.path().join("__pycache__/module.pyc"), "x").expect("written");
    let after = load_with(directory.path()).expect("a plan");
    assert!(after.installed.contains_key("bridge/module.py"));
    assert_eq!(after.installed.len(), before.installed.len() + 1);
    assert_ne!(before.plan.digest(), after.plan.digest());
    let json = serde_json::to_value(&after.plan).expect("a plan is JSON");
    assert_eq!(json["files"]["bridge/module.py"], Digest::of(b"print('\xff')").as_str());
}

#[test]
fn a_directory_that_is_not_there_is_one_mistake() {
    let found = load_with(Path::new("/nonexistent/phases")).expect_err("no directory");
    assert_eq!(codes(&found), ["file/unreadable"]);
}

#[test]
fn mistakes_of_both_files_are_reported_at_once() {
    let directory = copy_of_phases();
    std::fs::write(directory.path().join("0-preflight.yaml"), "steps: 3\n").expect("written");
    let rollout = directory.path().join("rollout.txt");
    std::fs::write(&rollout, "version: 1\n").expect("written");
    let options = LoadOptions { rollout, phases: Some(directory.path().to_owned()) };
    let found = load(&options, &BuiltInKinds).expect_err("both are wrong").into_vec();
    assert!(found.iter().any(|item| item.file.ends_with("rollout.txt")));
    assert!(found.iter().any(|item| item.file.ends_with("0-preflight.yaml")));
}

#[test]
fn files_named_in_the_rollout_are_looked_up_beside_it() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let rollout = directory.path().join("rollout.yaml");
    let text = crate::support::text_of("rollout.yaml").replace("mode: required", "mode: required, ca_file: ca.pem");
    std::fs::write(&rollout, text).expect("written");
    let options = LoadOptions { rollout, phases: None };
    let loaded = load(&options, &BuiltInKinds).unwrap_or_else(|found| panic!("{found}"));
    assert_eq!(codes(&loaded.warnings), ["rollout/missing-file"]);
    std::fs::write(directory.path().join("ca.pem"), "").expect("written");
    assert!(load(&options, &BuiltInKinds).unwrap_or_else(|found| panic!("{found}")).warnings.is_empty());
}

#[test]
fn the_built_in_phases_are_five() {
    assert_eq!(PhaseFiles::embedded().phases.len(), 5);
}
