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

/// Copies a directory with everything in it.
fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() { copy_all(&path, &target) } else { std::fs::copy(&path, &target).map(drop).expect("a copy") }
    }
}

#[test]
fn what_python_and_editors_leave_in_phases_is_neither_embedded_nor_installed() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    copy_all(&repository("phases"), directory.path());
    let bridge = directory.path().join("session_bridge/migrate_sessions");
    std::fs::create_dir_all(bridge.join("__pycache__")).expect("a directory");
    for stray in ["__pycache__/store.cpython-312.pyc", "store.pyc", ".store.py.swp", "README.md"] {
        std::fs::write(bridge.join(stray), "stray").expect("written");
    }
    let (read, found) = PhaseFiles::read(directory.path());
    assert_eq!(codes(&found), [""; 0]);
    // The embedded files are a list in a source, so only a commit changes it: here it is compared, with every byte.
    assert_eq!(read.installed, PhaseFiles::embedded().installed);
    // Any other file is not ignored: it has to be added to the list or removed.
    std::fs::write(bridge.join("new_module.py"), "").expect("written");
    assert_ne!(PhaseFiles::read(directory.path()).0.installed, PhaseFiles::embedded().installed);
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
