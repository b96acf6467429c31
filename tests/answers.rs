//! JSON output keeps its promise (`docs/formats.md`): what recorded versions printed about recorded runs still has each of
//! its fields, of the same kind. `tests/fixtures/README.md` says what was recorded.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test may panic and start processes"
)]

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

fn children(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Every recorded site.
fn sites() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let versions = children(&root).into_iter().filter(|version| version.is_dir());
    versions.flat_map(|version| children(&version)).filter(|site| site.join("answers").is_dir()).collect()
}

/// What a site was last told by a command.
fn recorded(site: &Path, name: &str) -> Value {
    let wanted = |path: &&PathBuf| path.file_name().is_some_and(|file| file.to_string_lossy()[3..] == *name);
    let answers = children(&site.join("answers"));
    let path = answers.iter().rfind(wanted).unwrap_or_else(|| panic!("{}: no answer {name}", site.display()));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What a copy of it is told today.
fn told(site: &Path, words: &[&str]) -> Value {
    let place = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").arg("-r").arg(site.join(".")).arg(place.path()).status().unwrap();
    assert!(copied.success());
    let mut migrate = Command::cargo_bin("migrate").unwrap();
    migrate.current_dir(place.path()).env_clear().env("PATH", "/usr/bin:/bin").args(words).args(["--output", "json"]);
    let output = migrate.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {output:?}"))
}

/// The first thing that was there and is not, or is of another kind. Values may differ, `null` may come and go, and lists
/// may be of any length.
fn lost(before: &Value, now: &Value, place: &str) -> Option<String> {
    match (before, now) {
        (Value::Null, _) | (_, Value::Null) => None,
        (Value::Object(before), Value::Object(now)) => before.iter().find_map(|(name, value)| {
            let place = format!("{place}.{name}");
            now.get(name).map_or_else(|| Some(format!("{place} is missing")), |now| lost(value, now, &place))
        }),
        (Value::Array(before), Value::Array(now)) => {
            before.iter().zip(now).find_map(|(before, now)| lost(before, now, &format!("{place}[]")))
        }
        _ if std::mem::discriminant(before) == std::mem::discriminant(now) => None,
        _ => Some(format!("{place} was {before} and is {now}")),
    }
}

#[test]
fn no_field_of_a_recorded_answer_is_lost() {
    let sites = sites();
    assert!(sites.len() >= 4, "{sites:?}");
    for site in &sites {
        for command in ["status", "log", "check"] {
            let (before, now) = (recorded(site, &format!("{command}.json")), told(site, &[command]));
            assert!(before["result"].is_object() && now["result"].is_object(), "{}: {command}: {now}", site.display());
            assert_eq!(lost(&before, &now, command), None, "{}", site.display());
        }
    }
}

#[test]
fn a_recorded_run_is_where_it_was() {
    for site in sites() {
        let (before, now) = (recorded(&site, "status.json"), told(&site, &["status"]));
        assert_eq!(
            (&now["version"], &now["exit_code"]),
            (&before["version"], &before["exit_code"]),
            "{}",
            site.display()
        );
        for name in ["run", "plan", "events", "last_event_at", "phases_passed", "facts"] {
            assert_eq!(now["result"][name], before["result"][name], "{}: {name}", site.display());
        }
        let steps = |answer: &Value| -> Vec<[Value; 3]> {
            let of = |step: &Value| ["step", "status", "observed_seconds"].map(|name| step[name].clone());
            answer["result"]["steps"].as_array().unwrap().iter().map(of).collect()
        };
        assert_eq!(steps(&now), steps(&before), "{}", site.display());
        let (before, now) = (recorded(&site, "log.json"), told(&site, &["log"]));
        assert!(support::holds(&now["result"]["events"], &before["result"]["events"]), "{}", site.display());
    }
}
