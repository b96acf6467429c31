//! One holder at a time; who it is; and that a dead one lets go.

use migrate::core::Holder;
use migrate::journal::{Lock, LockState, StateDirectory, break_lock, inspect_lock};
use migrate::ports::JournalFault;

use crate::support::at;

fn place() -> (tempfile::TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().expect("a directory");
    let path = place.path().join("lock");
    (place, path)
}

fn take(path: &std::path::Path, holder: &str) -> Result<Lock, JournalFault> {
    Lock::take(path, Holder::new(holder), "migrate phase 1", at(0))
}

#[test]
fn the_second_taker_is_told_who_why_and_since_when() {
    let (_place, path) = place();
    let held = take(&path, "first").expect("free");
    let told = take(&path, "second").expect_err("held");
    let expected = JournalFault::Locked {
        holder: "first".into(),
        since: "2026-01-01T00:00:00Z".into(),
        reason: "migrate phase 1".into(),
        heartbeat: "2026-01-01T00:00:00Z".into(),
    };
    assert_eq!(told, expected);
    held.confirm().expect("asking does not take it away");
    drop(held);
    take(&path, "second").expect("it is free again");
}

/// A program that runs cannot be opened for writing, not even by root (ETXTBSY of open(2)).
#[test]
fn a_lock_that_can_only_be_read_is_inspected() {
    let (_place, path) = place();
    std::fs::copy("/bin/sleep", &path).expect("a program");
    let mut running = loop {
        match std::process::Command::new(&path).arg("60").spawn() {
            Ok(running) => break running,
            // Another test has just forked with our copy still open.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    };
    let inspected = inspect_lock(&path);
    running.kill().expect("it runs");
    running.wait().expect("it has ended");
    assert_eq!(inspected, Ok(LockState::Free));
}

#[test]
fn looking_takes_nothing() {
    let (_place, path) = place();
    assert_eq!(inspect_lock(&path), Ok(LockState::Free));
    assert!(!path.exists());
    let held = take(&path, "first").expect("free");
    let Ok(LockState::Held(Some(info))) = inspect_lock(&path) else { panic!("it is held") };
    assert_eq!((info.holder, info.reason, info.taken_at), (Holder::new("first"), "migrate phase 1".into(), at(0)));
    held.confirm().expect("still ours");
    drop(held);
    assert_eq!(inspect_lock(&path), Ok(LockState::Free));
    assert_eq!(std::fs::read(&path).expect("the file stays"), b"", "and says that nobody is left");
}

#[test]
fn a_broken_lock_is_free_and_its_old_holder_knows() {
    let (_place, path) = place();
    let old = take(&path, "old").expect("free");
    break_lock(&path).expect("by force");
    assert!(matches!(old.confirm(), Err(JournalFault::LeaseLost(_))));
    let new = take(&path, "new").expect("free");
    assert!(matches!(old.confirm(), Err(JournalFault::LeaseLost(_))), "the new file is not the old one");
    drop(old);
    new.confirm().expect("the old holder's end does not touch it");
    let Ok(LockState::Held(Some(info))) = inspect_lock(&path) else { panic!("it is held") };
    assert_eq!(info.holder, Holder::new("new"));
    assert!(take(&path, "third").is_err());
}

#[test]
fn what_nobody_holds_cannot_be_broken_twice() {
    let (_place, path) = place();
    assert!(matches!(break_lock(&path), Err(JournalFault::Io(_))));
}

#[test]
fn a_file_that_says_nothing_useful_is_still_a_lock() {
    let (_place, path) = place();
    std::fs::write(&path, "not JSON").expect("written");
    let held = take(&path, "first").expect("nobody holds it");
    std::fs::write(&path, "half a li").expect("a heartbeat that is being written");
    let Err(JournalFault::Locked { holder, heartbeat, .. }) = take(&path, "second") else { panic!("it is held") };
    assert_eq!((holder.as_str(), heartbeat.as_str()), ("unknown", "unknown"));
    drop(held);
}

#[test]
fn the_holder_says_that_it_is_alive() {
    let (_place, path) = place();
    let held = take(&path, "alive").expect("free");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let info = loop {
        let Ok(LockState::Held(info)) = inspect_lock(&path) else { panic!("it is held") };
        // The file is rewritten in place: between two writes it may be empty.
        if let Some(info) = info.filter(|info| info.heartbeat_at != at(0)) {
            break info;
        }
        assert!(std::time::Instant::now() < deadline, "no heartbeat in a minute");
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    assert_eq!((info.holder, info.taken_at), (Holder::new("alive"), at(0)), "only the heartbeat moves");
    drop(held);
}

#[test]
fn a_journal_that_is_a_fifo_is_refused_and_not_waited_for() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().to_owned());
    let made = std::process::Command::new("mkfifo").arg(directory.journal_path()).status().expect("mkfifo");
    assert!(made.success());
    let refusals = [
        directory.replay().expect_err("not a file"),
        directory.open_journal(Holder::new("one"), "migrate phase 1", at(0)).expect_err("not a file"),
    ];
    for refusal in refusals {
        assert!(refusal.to_string().contains("special file, not a journal"), "{refusal}");
    }
}
