//! The binary through its command line: what it says, how it exits. Reads no network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, start processes and look at the clock"
)]

use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

/// A directory with the root's rollout.yaml in it.
struct Site {
    directory: tempfile::TempDir,
}

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Everything that was said, for a snapshot, without what differs from machine to machine.
    fn transcript(&self, site: &Site) -> String {
        let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr);
        text.replace(&site.path().display().to_string(), "SITE")
    }
}

impl Site {
    fn empty() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn new() -> Self {
        let site = Self::empty();
        std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("rollout.yaml"), site.path().join("rollout.yaml"))
            .unwrap();
        site
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    /// Changes rollout.yaml.
    fn edit(&self, from: &str, to: &str) {
        let path = self.path().join("rollout.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from} is not in rollout.yaml");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("migrate").unwrap();
        command.current_dir(self.path()).args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("USER", "ada");
        command
    }

    fn migrate(&self, arguments: &[&str]) -> Said {
        Self::finish(self.command(arguments))
    }

    fn finish(mut command: Command) -> Said {
        let output = command.output().unwrap();
        Said {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Compares a transcript with the committed one, digests replaced.
macro_rules! same {
    ($site:expr, $said:expr) => {
        insta::with_settings!({ filters => vec![(r"plan [0-9a-f]{12}", "plan PLAN"), (r"Plan [0-9a-f]{12}", "Plan PLAN")],
                                snapshot_path => "cli" }, {
            insta::assert_snapshot!($said.transcript(&$site));
        });
    };
}

#[test]
fn the_root_rollout_passes_the_offline_check() {
    let site = Site::new();
    let said = site.migrate(&["check"]);
    same!(site, said);
    assert_eq!(said.code, 0);
}

#[test]
fn an_offline_plan_shows_every_step() {
    let site = Site::new();
    let said = site.migrate(&["plan", "--offline"]);
    same!(site, said);
    assert!(!said.stdout.contains("not built yet"), "{}", said.stdout);
}

#[test]
fn a_plan_shows_what_each_target_gets() {
    let site = Site::new();
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("phases");
    std::fs::create_dir(site.path().join("mine")).unwrap();
    for file in std::fs::read_dir(ours).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "yaml") {
            let name = file.file_name().unwrap().to_str().unwrap().to_owned();
            site.write(&format!("mine/{name}"), &std::fs::read_to_string(&file).unwrap());
        }
    }
    let production = "version: 1\nphase: 4\ntitle: Production, one instance at a time\nsteps:\n  - protected_unchanged: { id: unchanged, baseline: \"${protected.baseline}\" }\n  - each_target:\n      - command: { id: switch, run: switch-to new, verify: is-at new, undo: switch-to old }\n      - command_soak: { id: soak, look: how-was-it, guards: switch }\n";
    site.write("mine/4-production.yaml", production);
    let said = site.migrate(&["plan", "4", "--offline", "--phases", "mine"]);
    same!(site, said);
    assert_eq!(said.code, 0);
}

#[test]
fn every_mistake_is_shown_at_once() {
    let site = Site::new();
    site.edit("port: 8081", "port: 8080");
    site.edit("duration: 10m", "duration: 0s");
    site.edit("soak: { duration: 24h, minimum_requests: 10000, peak_hour_requests: 1000 }", "soak: { duration: 0s }");
    let said = site.migrate(&["check"]);
    same!(site, said);
    assert_eq!(said.code, 3);
}

#[test]
fn mistakes_as_json_and_as_annotations_and_as_junit() {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    let json = site.migrate(&["check", "--output", "json"]).json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["exit_code"], 3);
    assert_eq!(json["error"]["diagnostics"][0]["line"], 19, "{json}");
    let mut command = site.command(&["check", "--junit", "out.xml"]);
    command.env("GITHUB_ACTIONS", "true");
    let said = Site::finish(command);
    assert!(said.stdout.starts_with("::error file=rollout.yaml,line=19,"), "{}", said.stdout);
    let junit = std::fs::read_to_string(site.path().join("out.xml")).unwrap();
    assert!(junit.contains("failures=\"1\""), "{junit}");
}

#[test]
fn a_missing_rollout_says_what_to_type() {
    let site = Site::empty();
    let said = site.migrate(&["check"]);
    same!(site, said);
    assert_eq!(said.code, 3);
}

#[test]
fn init_writes_a_starter_that_passes_and_never_overwrites() {
    let site = Site::empty();
    assert_eq!(site.migrate(&["init"]).code, 0);
    assert_eq!(site.migrate(&["check"]).code, 0);
    let again = site.migrate(&["init"]);
    same!(site, again);
    assert_eq!(again.code, 2);
    site.write("rollout.yaml", "mine");
    assert_eq!(site.migrate(&["init", "--force"]).code, 0);
    assert_eq!(site.migrate(&["check"]).code, 0);
}

#[test]
fn status_and_log_before_the_first_run() {
    let site = Site::new();
    let status = site.migrate(&["status"]);
    same!(site, status);
    assert!(site.migrate(&["log"]).stdout.contains("nothing happened yet"));
    assert!(!site.path().join(".migrate").exists(), "looking leaves no trace");
}

#[test]
fn a_later_phase_waits_for_the_earlier_ones() {
    let site = Site::new();
    let said = site.migrate(&["phase", "2"]);
    assert_eq!(said.code, 6, "{}", said.stderr);
    assert!(said.stderr.contains("phase 1 has not passed"), "{}", said.stderr);
    assert_eq!(site.migrate(&["check", "--for", "2"]).code, 6);
    assert_eq!(site.migrate(&["check", "--for", "done"]).code, 6);
    assert_eq!(site.migrate(&["check", "--for", "1"]).code, 0);
}

#[test]
fn usage_is_exit_2() {
    let site = Site::new();
    for wrong in [
        &["phase"][..],
        &["phase", "5"],
        &["phase", "one"],
        &["nonsense"],
        &["check", "--for", "9"],
        &["approve", "4"],
        &["approve", "4", "--reason", " "],
        &["approve", "4", "--reason", "x", "--for", "0s"],
        &["approve", "4", "--reason", "x", "--for", "31d"],
        &["approve", "4", "--reason", "x", "--for", "720h1m"],
        &["approve", "4", "--reason", "x", "--for", "43201m"],
        &["unlock", "--force"],
        &["stuck", "retry", "1.cost", "--reason", "x"],
        &["replan", "--reason", "x"],
    ] {
        let said = site.migrate(wrong);
        assert_eq!(said.code, 2, "{wrong:?}: {}", said.stderr);
        assert!(!said.stderr.is_empty() && !said.stderr.contains("panicked"), "{wrong:?}: {}", said.stderr);
    }
}

#[test]
fn an_approval_is_journalled_with_name_and_reason() {
    let site = Site::new();
    assert_eq!(site.migrate(&["approve", "4", "--reason", "CHG-1"]).code, 0);
    let log = site.migrate(&["log"]).stdout;
    assert!(log.contains("phase 4 approved by ada until") && log.contains("CHG-1"), "{log}");
}

#[test]
fn an_approval_is_for_a_month_at_most() {
    let site = Site::new();
    let said = site.migrate(&["approve", "4", "--reason", "CHG-1", "--for", "2592000001ms"]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("at most 30d") && said.stderr.contains("approve again"), "{}", said.stderr);
    assert!(!site.migrate(&["log"]).stdout.contains("approved"));
    assert_eq!(site.migrate(&["approve", "4", "--reason", "CHG-1", "--for", "30d"]).code, 0);
}

#[test]
fn every_json_answer_has_the_same_envelope() {
    let site = Site::new();
    for arguments in [
        &["check"][..],
        &["plan", "--offline"],
        &["status"],
        &["log"],
        &["permissions"],
        &["schema"],
        &["unlock"],
        &["completions", "bash"],
        &["man"],
        &["rollback", "--to", "9"],
        &["phase", "3"],
    ] {
        let said = site.migrate(&[arguments, &["--output", "json"]].concat());
        if said.code == 2 {
            continue;
        }
        let json = said.json();
        assert_eq!(json["version"], 1, "{arguments:?}");
        assert_eq!(json["command"], arguments[0]);
        assert_eq!(json["exit_code"], said.code);
        assert!(json.get("result").is_some() && json.get("error").is_some(), "{json}");
    }
}

#[test]
fn a_command_line_that_is_wrong_is_answered_in_json_too() {
    let site = Site::new();
    for wrong in [&["phase", "9", "--output", "json"][..], &["--output=json", "nonsense"]] {
        let said = site.migrate(wrong);
        assert_eq!(said.code, 2);
        assert_eq!(said.json()["exit_code"], 2, "{wrong:?}");
    }
}

#[test]
fn without_credentials_it_says_so_and_nothing_is_journalled_twice() {
    let site = Site::new();
    let mut command = site.command(&["rollback"]);
    // Nobody listens there: no metadata service answers, and no credentials are found.
    command.env("AWS_EC2_METADATA_DISABLED", "true").env("HOME", site.path());
    let said = Site::finish(command);
    assert_eq!(said.code, 5, "{}", said.stderr);
    assert!(said.stderr.contains("credentials") && !said.stderr.contains("panicked"), "{}", said.stderr);
}

#[test]
fn products_are_printed_whole_even_when_quiet() {
    let site = Site::new();
    let schema = site.migrate(&["schema", "--quiet"]).stdout;
    let committed =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rollout.schema.json")).unwrap();
    let (schema, committed): (Value, Value) =
        (serde_json::from_str(&schema).unwrap(), serde_json::from_str(&committed).unwrap());
    assert_eq!(schema, committed);
    let policy: Value = serde_json::from_str(&site.migrate(&["permissions", "-q"]).stdout).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let text = policy.to_string();
    for action in
        ["elasticache:CreateReplicationGroup", "elasticache:DeleteReplicationGroup", "ec2:DeleteSecurityGroup"]
    {
        assert!(text.contains(action), "{action} is missing: the undo is part of it");
    }
    assert!(!text.contains("elasticache:*") && !text.contains("\"*:*\""), "not a full-access policy");
    assert!(site.migrate(&["completions", "zsh"]).stdout.starts_with("#compdef migrate"));
    assert!(site.migrate(&["man"]).stdout.contains(".TH migrate"));
    assert_eq!(site.migrate(&["check", "--quiet"]).stdout, "", "quiet says only what is wrong");
}

#[test]
fn plain_output_has_no_escape_sequences() {
    let site = Site::new();
    site.edit("workers: 2", "wokers: 2");
    let said = site.migrate(&["check"]);
    assert!(!said.stderr.contains('\u{1b}') && !said.stdout.contains('\u{1b}'));
}

#[test]
fn a_newer_journal_is_read_and_never_written() {
    let site = Site::new();
    assert_eq!(site.migrate(&["approve", "1", "--reason", "x"]).code, 0);
    let path = site.path().join(".migrate/journal.jsonl");
    let before = std::fs::read_to_string(&path).unwrap();
    let last = before.lines().last().unwrap();
    let hash = |line: &str| serde_json::from_str::<Value>(line).unwrap()["hash"].as_str().unwrap().to_owned();
    let count = before.lines().count() + 1;
    let record = format!("{{\"version\":99,\"sequence\":{count},\"something\":\"new\"}}");
    let link = migrate::core::Digest::of(format!("{}{record}", hash(last)).as_bytes());
    let newer = format!("{before}{{\"hash\":\"{link}\",\"record\":{record}}}\n");
    std::fs::write(&path, &newer).unwrap();
    assert_eq!(site.migrate(&["status"]).code, 0);
    let refused = site.migrate(&["approve", "1", "--reason", "x"]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("newer migrate"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
}
