//! Today's program reads yesterday's files, and leaves tomorrow's alone.
//!
//! The fixtures are committed and never rewritten: `UPDATE_FIXTURES=1` makes them only where they are missing.

use std::path::{Path, PathBuf};

use migrate::core::{
    Contract, Digest, Event, Facts, Fence, Holder, Phase, Plan, PlanDigest, PlannedStep, RunId, RunState, SoakWindow,
    Stamped, TargetName, Verdict,
};
use migrate::journal::{FileEvidence, MemoryJournal, StateDirectory, read_records, replay};
use migrate::ports::JournalFault;

use crate::evidence::document;
use crate::support::{at, every_event, first_events, id, plan, planned};
use crate::workshop::{chained, lines, open, open_in, records, state_of};

fn fixture(name: &str, fresh: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/journal/fixtures").join(name);
    if std::env::var_os("UPDATE_FIXTURES").is_some() && !path.exists() {
        std::fs::write(&path, fresh()).expect("written");
    }
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn yesterdays_journal() -> Vec<u8> {
    fixture("v1.jsonl", || chained(&records(&first_events())))
}

fn journal_with_a_rehearsal() -> Vec<u8> {
    fixture("v1-rehearsal.jsonl", || chained(&records(&every_event())))
}

#[test]
fn a_journal_of_version_1_is_read() {
    for (journal, events) in [
        (yesterdays_journal(), first_events()),
        (journal_with_a_rehearsal(), every_event()),
        (journal_with_a_soak(), soaked()),
    ] {
        let (replayed, records) = read_records(&journal).expect("it is whole");
        assert!(replayed.warnings.is_empty() && replayed.newer.is_none());
        let entries: Vec<_> = records.into_iter().map(|record| record.entry).collect();
        assert_eq!(entries, events, "each event still means what it meant");
        assert_eq!(replayed.state, state_of(&entries));
    }
}

/// A soak that is watched window by window.
fn soaked() -> Vec<Stamped> {
    let step = || id("0.soak");
    let began = at(60);
    let facts = Facts::new().with("soak.memory", "180");
    let good = SoakWindow { began, length: 60, requests: 12, verdict: Verdict::Pass, facts };
    let blind = SoakWindow { requests: 0, verdict: Verdict::Inconclusive, facts: Facts::new(), ..good.clone() };
    let digest = PlanDigest(Digest::of(b"the plan"));
    let judged = |verdict| Event::GateJudged { step: step(), verdict, reason: "seen".into(), evidence: Vec::new() };
    let observed = |seconds, window| Event::SoakObserved { step: step(), seconds, window };
    let events = vec![
        Event::LeaseTaken { holder: Holder::new("someone@here pid 1"), reason: "migrate phase 0".into() },
        Event::RunOpened { run: RunId::new("20260101T000000Z-abcdef"), rollout: "sessions".into(), plan: digest },
        Event::PhaseStarted { phase: Phase::Preflight, steps: vec![step()] },
        Event::StepStarted { step: step(), phase: Phase::Preflight, contract: Contract::Soak { seconds: 61 } },
        judged(Verdict::Inconclusive),
        observed(0, Some(blind)),
        judged(Verdict::Pass),
        observed(60, Some(good)),
        observed(1, None),
        Event::StepSucceeded { step: step(), facts: Facts::new(), evidence: Vec::new() },
        Event::PhasePassed { phase: Phase::Preflight },
    ];
    events.into_iter().map(|event| Stamped { fence: Fence(1), event }).collect()
}

fn journal_with_a_soak() -> Vec<u8> {
    fixture("v1-soak.jsonl", || chained(&records(&soaked())))
}

#[test]
fn a_plan_with_guards_is_read_and_has_the_digest_it_had() {
    let kept = || {
        let gate = planned("4.one.soak", Phase::Production, Contract::Soak { seconds: 86_400 });
        let target = Some(TargetName::new("one"));
        let switch = planned("4.one.switch", Phase::Production, Contract::Change);
        plan(vec![
            PlannedStep { target: target.clone(), ..switch },
            PlannedStep { guards: Some(id("4.one.switch")), target, ..gate },
        ])
    };
    let bytes = fixture("plan-v1-guards.json", || kept().to_json().expect("JSON").into_bytes());
    let digest = fixture("plan-v1-guards.sha256", || kept().digest().0.to_string().into_bytes());
    let read = Plan::from_json(std::str::from_utf8(&bytes).expect("text")).expect("readable");
    assert_eq!(read.digest().0.as_str().as_bytes(), digest, "runs are pinned to it");
    assert_eq!(read.guarded(&read.steps()[1]).len(), 2);
}

#[test]
fn a_journal_of_version_1_can_be_gone_on_with() {
    let ledger = open(MemoryJournal::holding(yesterdays_journal())).expect("it is ours to write");
    assert_eq!(ledger.state().fence().0, 2);
}

#[test]
fn evidence_of_version_1_is_read() {
    let stored = document(serde_json::json!({ "p99_ms": 3, "samples": 500 }));
    let bytes = fixture("evidence-v1.json", || serde_json::to_vec_pretty(&stored).expect("JSON"));
    let place = tempfile::tempdir().expect("a directory");
    let digest = Digest::of(&bytes);
    std::fs::write(place.path().join(format!("{digest}.json")), &bytes).expect("written");
    assert_eq!(FileEvidence::new(place.path().to_owned()).get(&digest).expect("readable"), stored);
}

#[test]
fn a_plan_of_version_1_is_read_and_has_the_digest_it_had() {
    let kept = || {
        plan(vec![
            planned("1.make", Phase::Infrastructure, Contract::Change),
            planned("4.soak", Phase::Production, Contract::Soak { seconds: 86_400 }),
        ])
    };
    let bytes = fixture("plan-v1.json", || kept().to_json().expect("JSON").into_bytes());
    let digest = fixture("plan-v1.sha256", || kept().digest().0.to_string().into_bytes());
    let read = Plan::from_json(std::str::from_utf8(&bytes).expect("text")).expect("readable");
    assert_eq!(read.digest().0.as_str().as_bytes(), digest, "runs are pinned to it");
    assert_eq!(read.steps().len(), 2);
}

/// A journal whose last lines a newer program wrote: a known event under a newer version, or words we do not know.
fn tomorrows(unknown: bool) -> Vec<u8> {
    let mut values = records(&every_event());
    let last = values.len() - 1;
    values[last]["version"] = 2.into();
    if unknown {
        values[last]["entry"]["event"] = serde_json::json!({ "type": "store_drained", "data": { "to": "elsewhere" } });
        values[last]["lease"] = "elsewhere".into();
    }
    chained(&values)
}

#[test]
fn a_newer_journal_is_read_as_far_as_it_is_understood() {
    for unknown in [false, true] {
        let replayed = replay(&tomorrows(unknown)).expect("readable");
        assert_eq!(replayed.newer, Some(2));
        let events = every_event();
        assert_eq!(replayed.state, state_of(&events[..events.len() - 1]));
        assert_eq!(replayed.lines, events.len() as u64, "every line is counted");
    }
}

#[test]
fn a_newer_journal_is_never_written() {
    for unknown in [false, true] {
        let journal = MemoryJournal::holding(tomorrows(unknown));
        assert_eq!(open(journal.clone()).err(), Some(JournalFault::Newer(2)));
        assert_eq!(journal.bytes(), tomorrows(unknown), "not one byte");
    }
}

#[test]
fn a_newer_journal_with_a_torn_end_is_not_cut_either() {
    let torn = [tomorrows(true), b"{\"hash\"".to_vec()].concat();
    let journal = MemoryJournal::holding(torn.clone());
    assert_eq!(open(journal.clone()).err(), Some(JournalFault::Newer(2)));
    assert_eq!(journal.bytes(), torn);
}

#[test]
fn unknown_words_under_todays_version_are_damage() {
    let mut values = records(&every_event());
    values[4]["entry"]["event"] = serde_json::json!({ "type": "store_drained" });
    assert!(matches!(replay(&chained(&values)), Err(JournalFault::Damaged(why)) if why.starts_with("line 5")));
}

#[test]
fn a_damaged_newer_journal_is_still_damaged() {
    let mut bytes = tomorrows(true);
    let first = lines(&bytes)[0].len();
    bytes[first / 2] ^= 1;
    assert!(matches!(replay(&bytes), Err(JournalFault::Damaged(_))));
}

#[test]
fn on_disk_a_newer_journal_keeps_its_lock_free() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(PathBuf::from(place.path()));
    std::fs::write(directory.journal_path(), tomorrows(false)).expect("written");
    assert_eq!(open_in(&directory).err(), Some(JournalFault::Newer(2)));
    assert_eq!(std::fs::read(directory.journal_path()).expect("there"), tomorrows(false));
    let replayed = directory.replay().expect("readable");
    assert_ne!(replayed.state, RunState::default());
    assert_eq!(migrate::journal::inspect_lock(&directory.lock_path()), Ok(migrate::journal::LockState::Free));
}
