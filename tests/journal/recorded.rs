//! Today's program reads what earlier versions wrote in real runs: journals, plans, evidence and rollout.yaml.
//! `tests/fixtures/README.md` says what was recorded.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use migrate::configuration::{LoadOptions, load};
use migrate::core::rollout::Rollout;
use migrate::core::{Digest, Event, EvidenceRef, Fence, Phase, Plan, PlanDigest, RunState, StepRecord};
use migrate::journal::{FORMAT_VERSION, MemoryJournal, Record, StateDirectory, read_records};
use migrate::ports::JournalFault;
use migrate::steps::BuiltInKinds;

use crate::support::holds;
use crate::workshop::{chained, lines, open, open_in};

/// One recorded run.
struct Recording {
    /// The version that wrote it and what it is, such as `7792f74/full`.
    name: String,
    site: PathBuf,
}

impl Recording {
    fn state(&self) -> StateDirectory {
        StateDirectory::new(self.site.join(".migrate"))
    }

    fn journal(&self) -> Vec<u8> {
        let bytes = self.state().read_journal().expect("readable");
        assert!(!bytes.is_empty(), "{}: there is no journal", self.name);
        bytes
    }

    fn records(&self) -> Vec<Record> {
        let (_, records) = read_records(&self.journal()).unwrap_or_else(|fault| panic!("{}: {fault}", self.name));
        records
    }

    /// The digests that files of a directory are named by.
    fn named(&self, directory: &str) -> BTreeSet<Digest> {
        let files = children(&self.site.join(".migrate").join(directory));
        let digests = files.iter().map(|file| {
            assert_eq!(file.extension().and_then(|end| end.to_str()), Some("json"), "{}", file.display());
            Digest::from_hex(&file.file_stem().expect("a name").to_string_lossy())
        });
        digests.collect()
    }
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths
}

fn recordings() -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let versions = children(&root).into_iter().filter(|version| version.is_dir());
    let sites = versions.flat_map(|version| children(&version)).filter(|site| site.join(".migrate").is_dir());
    let named = |site: PathBuf| {
        let name = site.strip_prefix(&root).expect("below it").display().to_string();
        Recording { name, site }
    };
    sites.map(named).collect()
}

#[test]
fn nothing_that_was_recorded_is_missing() {
    let names: Vec<String> = recordings().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["7792f74/aborted", "7792f74/full", "7792f74/full_rolled_back", "7792f74/stuck"]);
}

#[test]
fn every_journal_is_whole_and_every_line_counts() {
    for one in recordings() {
        let bytes = one.journal();
        let (replayed, records) = read_records(&bytes).unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
        assert_eq!((replayed.warnings.as_slice(), replayed.newer), ([].as_slice(), None), "{}", one.name);
        assert_eq!(replayed.length, bytes.len() as u64, "{}", one.name);
        assert_eq!(replayed.lines, records.len() as u64, "{}", one.name);
        // The chain once more, as docs/formats.md describes it.
        let mut head = Digest::zero();
        for (line, record) in lines(&bytes).iter().zip(&records) {
            let text = std::str::from_utf8(line).expect("text").trim_end();
            let body = text.split_once("\"record\":").and_then(|(_, rest)| rest.strip_suffix('}')).expect("a record");
            head = Digest::of(format!("{head}{body}").as_bytes());
            assert!(text.starts_with(&format!("{{\"hash\":\"{head}\"")), "{}: {text}", one.name);
            let written: serde_json::Value = serde_json::from_str(body).expect("JSON");
            let read = serde_json::to_value(record).expect("JSON");
            assert!(holds(&read, &written), "{}: something is lost in reading\n{written}\n{read}", one.name);
        }
        assert_eq!(replayed.head, head, "{}", one.name);
    }
}

#[test]
fn every_journal_replays_to_the_state_it_had() {
    for one in recordings() {
        let replayed = one.state().replay().unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
        insta::assert_snapshot!(one.name.replace('/', "_"), shown(&replayed.state));
    }
}

/// A state, compactly: all that a command could decide by.
fn shown(state: &RunState) -> String {
    let mut text = String::new();
    let run = state.run().map(ToString::to_string).unwrap_or_default();
    let plan = state.plan().map(ToString::to_string).unwrap_or_default();
    let holder = state.holder().map(ToString::to_string).unwrap_or_default();
    let passed: Vec<u8> = Phase::ALL.into_iter().filter(|phase| state.has_passed(*phase)).map(Phase::number).collect();
    let _ = writeln!(text, "run {run}, plan {plan}, fence {}, held by [{holder}]", state.fence().0);
    let _ = writeln!(text, "direction {:?}, paused {:?}, passed {passed:?}", state.direction(), state.paused());
    for phase in Phase::ALL {
        if let Some(approval) = state.approval(phase) {
            let (by, until, reason) = (&approval.by, approval.expires_at, &approval.reason);
            let _ = writeln!(text, "{phase} approved by {by} until {until} for plan {}: {reason}", approval.plan);
        }
    }
    if let Some((step, _)) = state.stuck() {
        let _ = writeln!(text, "stuck: {step}");
    }
    let facts = serde_json::to_string(&state.facts()).expect("JSON");
    let count = state.facts().iter().count();
    let _ = writeln!(text, "facts {count} ({})\n", Digest::of(facts.as_bytes()).short());
    for (id, record) in state.started() {
        let _ = writeln!(text, "{id}: {}", step(record));
    }
    text
}

fn step(record: &StepRecord) -> String {
    let mut text = format!("{}, attempts {}", record.status, record.attempts);
    if let Some(verdict) = record.verdict {
        let _ = write!(text, ", {verdict}");
    }
    if !record.evidence.is_empty() {
        let proves = record.evidence.iter().map(|evidence| evidence.proves.len()).sum::<usize>();
        let _ = write!(text, ", evidence {} proves {proves}", record.evidence.len());
    }
    let windows = record.soak.windows();
    if !windows.is_empty() {
        let requests: u64 = windows.iter().map(|window| window.requests).sum();
        let (observed, held) = (record.observed_seconds, record.soak.held());
        let _ = write!(text, ", windows {}, {requests} requests, {observed} s observed, {held} s held", windows.len());
    }
    if let Some(rehearsal) = record.rehearsing() {
        let _ = write!(text, ", rehearsing {rehearsal:?}");
    }
    if let Some(failure) = &record.failure {
        let _ = write!(text, "\n    {:?}: {}", failure.class, failure.message);
    }
    text
}

/// What events refer to as measured.
fn references(records: &[Record]) -> Vec<&EvidenceRef> {
    let of = |record| match record {
        &Event::GateJudged { ref evidence, .. } | &Event::StepSucceeded { ref evidence, .. } => evidence.as_slice(),
        _ => &[],
    };
    records.iter().flat_map(|record| of(&record.entry.event)).collect()
}

#[test]
fn every_evidence_file_is_read_and_is_what_the_journal_says() {
    for one in recordings() {
        let (store, records) = (one.state().evidence(), one.records());
        let mut met = BTreeSet::new();
        for reference in references(&records) {
            let document = store.get(&reference.digest).unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
            let measured = &document.measurement;
            assert_eq!((document.version, document.measured_at), (1, reference.measured_at), "{}", one.name);
            assert_eq!((&document.plan, measured.verdict), (&reference.plan, reference.verdict), "{}", one.name);
            assert_eq!(
                (&measured.summary, &measured.resource, &measured.proves),
                (&reference.summary, &reference.resource, &reference.proves),
                "{}",
                one.name
            );
            met.insert(reference.digest.clone());
        }
        assert_eq!(one.named("evidence"), met, "{}: all of them, and no other", one.name);
        assert!(!met.is_empty(), "{}", one.name);
    }
}

#[test]
fn every_plan_is_read_and_has_the_digest_that_runs_are_pinned_to() {
    for one in recordings() {
        let state = one.state();
        let kept = one.named("plans").into_iter().map(|digest| {
            let plan = state.kept_plan(&PlanDigest(digest.clone()));
            plan.unwrap_or_else(|| panic!("{}: plan {digest} is not the one that was kept", one.name))
        });
        let kept: Vec<Plan> = kept.collect();
        let pinned = |event: &Event| match event {
            Event::RunOpened { plan, .. } | Event::PlanReplaced { plan, .. } => Some(plan.clone()),
            _ => None,
        };
        let records = one.records();
        let pins: Vec<PlanDigest> = records.iter().filter_map(|record| pinned(&record.entry.event)).collect();
        assert!(!pins.is_empty(), "{}", one.name);
        for pin in &pins {
            assert!(kept.iter().any(|plan| plan.digest() == pin), "{}: plan {pin} is missing", one.name);
        }
        for record in &records {
            if let Event::StepStarted { step, phase, contract } = &record.entry.event {
                let planned = kept.iter().find_map(|plan| plan.step(step)).expect("a planned step");
                assert_eq!((planned.phase, planned.contract), (*phase, *contract), "{}: {step}", one.name);
            }
        }
    }
}

#[test]
fn every_rollout_is_read_as_it_was_and_still_loads() {
    for one in recordings() {
        let file = one.site.join("rollout.yaml");
        let rollout: Rollout = serde_yaml::from_str(&std::fs::read_to_string(&file).expect("there")).expect("readable");
        let state = one.state().replay().expect("readable").state;
        let plan = one.state().kept_plan(state.plan().expect("a run")).expect("kept");
        assert_eq!(plan.rollout(), &rollout, "{}", one.name);
        // The phases may have changed since; what was legal in rollout.yaml is legal.
        let loaded = load(&LoadOptions { rollout: file, phases: None }, &BuiltInKinds);
        assert!(loaded.is_ok(), "{}: {loaded:#?}", one.name);
    }
}

#[test]
fn every_run_can_be_continued() {
    for one in recordings() {
        let place = tempfile::tempdir().expect("a directory");
        let directory = StateDirectory::new(place.path().to_owned());
        let before = one.journal();
        std::fs::write(directory.journal_path(), &before).expect("written");
        let fence = one.state().replay().expect("readable").state.fence();
        let ledger = open_in(&directory).unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
        assert_eq!(ledger.state().fence(), Fence(fence.0 + 1), "{}", one.name);
        ledger.close().expect("written");
        let after = std::fs::read(directory.journal_path()).expect("there");
        assert!(after.len() > before.len() && after.starts_with(&before), "{}: lines are only added", one.name);
        directory.replay().unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
    }
}

#[test]
fn a_recorded_journal_with_a_changed_byte_is_refused_with_its_line() {
    for one in recordings() {
        let whole = one.journal();
        let all = lines(&whole);
        for number in [1, all.len() / 2, all.len() - 1] {
            let mut changed = whole.clone();
            let place = all[..number - 1].iter().map(|line| line.len()).sum::<usize>() + all[number - 1].len() - 10;
            changed[place] ^= 1;
            let said = read_records(&changed).map(|_| ()).expect_err("it was changed").to_string();
            assert!(said.starts_with(&format!("line {number} of the journal was changed")), "{}: {said}", one.name);
        }
    }
}

/// A recorded journal as a later version would have written it from its last line on.
fn from_a_later_version(one: &Recording, unknown: bool) -> Vec<u8> {
    let records = one.records();
    let mut values: Vec<_> = records.iter().map(|record| serde_json::to_value(record).expect("JSON")).collect();
    let last = values.last_mut().expect("a line");
    last["version"] = (FORMAT_VERSION + 1).into();
    if unknown {
        last["entry"]["event"] = serde_json::json!({ "type": "store_drained", "data": {} });
    }
    chained(&values)
}

#[test]
fn a_recorded_journal_of_a_later_version_is_read_and_not_written() {
    for one in recordings() {
        for unknown in [false, true] {
            let bytes = from_a_later_version(&one, unknown);
            let (replayed, _) = read_records(&bytes).unwrap_or_else(|fault| panic!("{}: {fault}", one.name));
            assert_eq!(replayed.newer, Some(FORMAT_VERSION + 1), "{}", one.name);
            let journal = MemoryJournal::holding(bytes.clone());
            let said = open(journal.clone()).err().expect("it is not ours to write").to_string();
            let version = format!("(format {})", FORMAT_VERSION + 1);
            assert!(said.contains("newer migrate") && said.contains(&version), "{}: {said}", one.name);
            assert_eq!(journal.bytes(), bytes, "{}: not one byte", one.name);
        }
    }
}

#[test]
fn recorded_evidence_of_a_later_version_is_refused_by_its_version() {
    for one in recordings() {
        let digest = one.named("evidence").into_iter().next().expect("evidence");
        let text = std::fs::read_to_string(one.site.join(format!(".migrate/evidence/{digest}.json"))).expect("there");
        let later = text.replacen("\"version\": 1", "\"version\": 2", 1);
        let place = tempfile::tempdir().expect("a directory");
        let directory = StateDirectory::new(place.path().to_owned());
        let digest = Digest::of(later.as_bytes());
        std::fs::create_dir(place.path().join("evidence")).expect("made");
        std::fs::write(place.path().join(format!("evidence/{digest}.json")), later).expect("written");
        assert_eq!(directory.evidence().get(&digest), Err(JournalFault::Newer(2)), "{}", one.name);
    }
}
