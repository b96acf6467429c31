//! Evidence is named by its content, whole or absent, and changed evidence is no evidence.

use migrate::core::{ChecklistItem, Contract, Digest, EvidenceDocument, Measurement, Phase, PlanDigest, Verdict};
use migrate::journal::{FileEvidence, MemoryEvidence, StateDirectory};
use migrate::ports::{EvidenceStore, JournalFault};

use crate::support::{at, id, plan, planned};

pub fn document(data: serde_json::Value) -> EvidenceDocument {
    EvidenceDocument {
        version: 1,
        measured_at: at(0),
        plan: PlanDigest(Digest::of(b"the plan")),
        step: id("1.test"),
        measurement: Measurement {
            verdict: Verdict::Pass,
            summary: "99% of 500 PINGs within 3 ms".into(),
            proves: vec![ChecklistItem::ConnectFromStaging],
            subjects: Vec::new(),
            resource: "store:6379".into(),
            data,
        },
    }
}

fn store() -> (tempfile::TempDir, FileEvidence) {
    let place = tempfile::tempdir().expect("a directory");
    let store = FileEvidence::new(place.path().join("evidence"));
    (place, store)
}

fn files(place: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(place.path().join("evidence")).expect("made");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_is_stored_is_read_back_under_the_digest_of_its_bytes() {
    let (place, mut store) = store();
    let first = document(serde_json::json!({ "p99_ms": 3 }));
    let digest = store.put(&first).expect("stored");
    assert_eq!(store.get(&digest).expect("there"), first);
    assert_eq!(files(&place), [format!("{digest}.json")], "and nothing half written beside it");
    let bytes = std::fs::read(place.path().join("evidence").join(format!("{digest}.json"))).expect("there");
    assert_eq!(Digest::of(&bytes), digest);
}

#[test]
fn the_same_twice_is_once_and_another_is_another() {
    let (place, mut store) = store();
    let one = store.put(&document(serde_json::json!(1))).expect("stored");
    assert_eq!(store.put(&document(serde_json::json!(1))).expect("again"), one);
    assert_ne!(store.put(&document(serde_json::json!(2))).expect("stored"), one);
    assert_eq!(files(&place).len(), 2);
    let mut memory = MemoryEvidence::default();
    assert_eq!(memory.put(&document(serde_json::json!(1))).expect("stored"), one, "wherever it is stored");
    assert_eq!(memory.documents(), [document(serde_json::json!(1))]);
}

#[test]
fn every_changed_byte_is_noticed() {
    let (place, mut store) = store();
    let digest = store.put(&document(serde_json::json!({ "p99_ms": 3 }))).expect("stored");
    let path = place.path().join("evidence").join(format!("{digest}.json"));
    let whole = std::fs::read(&path).expect("there");
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).expect("written");
        assert!(matches!(store.get(&digest), Err(JournalFault::Damaged(_))), "byte {at}");
    }
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("written");
    assert!(matches!(store.get(&digest), Err(JournalFault::Damaged(_))), "cut short");
}

#[test]
fn what_a_crash_left_half_written_is_never_read() {
    let (place, mut store) = store();
    let wanted = document(serde_json::json!(1));
    let digest = MemoryEvidence::default().put(&wanted).expect("stored");
    std::fs::create_dir_all(place.path().join("evidence")).expect("made");
    std::fs::write(place.path().join("evidence").join(format!("{digest}.partial")), b"{\"half").expect("written");
    assert!(matches!(store.get(&digest), Err(JournalFault::Io(_))), "it does not exist yet");
    store.put(&wanted).expect("the next attempt is not disturbed");
    assert_eq!(store.get(&digest).expect("there"), wanted);
    assert_eq!(files(&place), [format!("{digest}.json")]);
}

#[test]
fn evidence_of_a_newer_version_is_not_understood_and_says_so() {
    let (_place, mut store) = store();
    let newer = EvidenceDocument { version: 2, ..document(serde_json::json!(1)) };
    let digest = store.put(&newer).expect("stored");
    assert_eq!(store.get(&digest), Err(JournalFault::Newer(2)));
}

#[test]
fn a_kept_plan_is_read_back_unless_it_was_changed() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().join(".migrate"));
    let kept = plan(vec![planned("1.make", Phase::Infrastructure, Contract::Change)]);
    assert!(directory.kept_plan(kept.digest()).is_none(), "nobody kept it yet");
    directory.keep_plan(&kept).expect("kept");
    let inode = || {
        let path = directory.root().join("plans").join(format!("{}.json", kept.digest().0));
        std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).expect("kept"))
    };
    let first = inode();
    directory.keep_plan(&kept).expect("twice is fine");
    assert_eq!(inode(), first, "a full disk must not prevent what needs no new file");
    assert_eq!(directory.kept_plan(kept.digest()), Some(kept.clone()));
    let path = directory.root().join("plans").join(format!("{}.json", kept.digest().0));
    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::write(&path, text.replace("1.make", "1.take")).expect("written");
    assert_eq!(directory.kept_plan(kept.digest()), None, "a changed plan is not the one that was pinned");
}
