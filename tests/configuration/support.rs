//! What the tests share.

use std::path::{Path, PathBuf};

use migrate::configuration::{Diagnostic, Diagnostics, PhaseFiles, Sources, load_sources};
use migrate::core::Plan;
use migrate::report::Annotation;

use crate::catalog::TestCatalog;

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The text of a file of the repository.
pub fn text_of(path: &str) -> String {
    let path = repository(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Phases that change only with the tests.
pub fn test_phases() -> PhaseFiles {
    let (mut files, found) = PhaseFiles::read(&repository("tests/configuration/phases"));
    assert!(found.is_empty());
    for file in &mut files.phases {
        let name = file.name.rsplit('/').next().expect("a name");
        file.name = format!("phases/{name}");
    }
    files
}

/// A rollout with the test phases.
pub fn load_rollout(text: impl Into<Vec<u8>>) -> Result<(Plan, Vec<Diagnostic>), Diagnostics> {
    let sources = Sources {
        rollout_name: "rollout.yaml".into(),
        rollout: text.into(),
        base_directory: None,
        phases: test_phases(),
    };
    load_sources(&sources, &TestCatalog)
}

/// The repository's rollout with one test phase replaced.
pub fn load_phase(number: usize, text: impl Into<Vec<u8>>) -> Result<(Plan, Vec<Diagnostic>), Diagnostics> {
    let mut phases = test_phases();
    phases.phases[number].bytes = text.into();
    let sources = Sources {
        rollout_name: "rollout.yaml".into(),
        rollout: text_of("rollout.yaml").into(),
        base_directory: None,
        phases,
    };
    load_sources(&sources, &TestCatalog)
}

/// What was found, whether or not a plan came out.
pub fn found(result: Result<(Plan, Vec<Diagnostic>), Diagnostics>) -> Vec<Diagnostic> {
    match result {
        Ok((_, warnings)) => warnings,
        Err(diagnostics) => diagnostics.into_vec(),
    }
}

/// Diagnostics as GitHub takes them, one annotation a line.
pub fn render_github<'a>(items: impl IntoIterator<Item = &'a Diagnostic>) -> String {
    items.into_iter().flat_map(|item| [Annotation::from(item).to_string(), "\n".to_owned()]).collect()
}

/// The stable codes of what was found.
pub fn codes(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(|item| item.code.as_str()).collect()
}

/// Compares with a committed file, or rewrites it under `UPDATE_GOLDEN=1`.
pub fn assert_golden(path: &str, actual: &str) {
    let file = repository(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(file.parent().expect("has a parent")).expect("the directory can be made");
        std::fs::write(&file, actual).expect("the file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == actual, "{path} is not up to date: run the tests with UPDATE_GOLDEN=1 and read the difference");
}
