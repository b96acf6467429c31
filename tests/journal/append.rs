//! Only the rightful writer appends, and only what is legal.

use std::io::Write;

use migrate::core::{Contract, Event, Phase, RunId, StepStatus};
use migrate::journal::{Ledger, MemoryJournal, StateDirectory, break_lock, replay};
use migrate::ports::{JournalFault, JournalStore};

use crate::support::{id, plan};
use crate::workshop::{lines, open, open_in};

fn opened() -> Event {
    Event::RunOpened { run: RunId::new("run"), rollout: "r".into(), plan: plan(Vec::new()).digest().clone() }
}

fn back() -> Event {
    Event::RollbackStarted { to: Phase::Preflight, reason: None }
}

fn is_lost<T>(result: Result<T, JournalFault>) -> bool {
    matches!(result, Err(JournalFault::LeaseLost(_)))
}

#[test]
fn an_illegal_event_is_refused_and_leaves_no_line() {
    let journal = MemoryJournal::default();
    let mut ledger = open(journal.clone()).expect("empty");
    let before = (journal.bytes(), ledger.state().clone());
    let refused = ledger.append(back());
    assert_eq!(refused, Err(JournalFault::Illegal("illegal event: no run is open".into())));
    assert_eq!((journal.bytes(), ledger.state().clone()), before);
}

#[test]
fn permits_come_with_durable_intents() {
    let journal = MemoryJournal::default();
    let mut ledger = open(journal.clone()).expect("empty");
    ledger.append(opened()).expect("legal");
    for phase in [Phase::Preflight, Phase::Infrastructure] {
        ledger.append(Event::PhaseStarted { phase, steps: Vec::new() }).expect("legal");
        if phase == Phase::Preflight {
            ledger.append(Event::PhasePassed { phase }).expect("legal");
        }
    }
    let permit = ledger.start_step(&id("1.make"), Phase::Infrastructure, Contract::Change).expect("legal");
    assert_eq!(permit.step(), &id("1.make"));
    let durable = || replay(&journal.bytes()).expect("whole").state;
    assert_eq!(durable().status(&id("1.make")), Some(StepStatus::Started));
    let permit = ledger.start_undo(&id("1.make")).expect("legal");
    assert_eq!(permit.step(), &id("1.make"));
    assert_eq!(durable().status(&id("1.make")), Some(StepStatus::Undoing));
    assert!(ledger.start_undo(&id("1.other")).is_err(), "nobody started it");
}

/// A store whose disk is full.
struct Full(MemoryJournal);

impl JournalStore for Full {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        self.0.load()
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        self.0.truncate(length)
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        if lines(&self.0.bytes()).len() < 2 { self.0.append(line) } else { Err(JournalFault::Io("full".into())) }
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        self.0.confirm()
    }
}

#[test]
fn what_could_not_be_written_has_not_happened() {
    let journal = MemoryJournal::default();
    let mut ledger = open(Full(journal.clone())).expect("one line fits");
    ledger.append(opened()).expect("and another");
    let before = ledger.state().clone();
    assert_eq!(ledger.append(back()), Err(JournalFault::Io("full".into())));
    assert_eq!(ledger.state(), &before);
    assert_eq!(replay(&journal.bytes()).expect("whole").state, before);
}

/// A ledger on disk with a run, and where it is.
fn on_disk() -> (tempfile::TempDir, StateDirectory, Ledger) {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().join(".migrate"));
    let mut ledger = open_in(&directory).expect("nobody holds it");
    ledger.append(opened()).expect("legal");
    (place, directory, ledger)
}

#[test]
fn a_broken_lock_stops_its_old_holder() {
    let (_place, directory, mut old) = on_disk();
    old.confirm().expect("it is ours");
    break_lock(&directory.lock_path()).expect("by force");
    assert!(is_lost(old.confirm()), "before anything is repeated");
    assert!(is_lost(old.append(back())), "though nobody else has it yet");
    let before = directory.read_journal().expect("readable");
    let mut new = open_in(&directory).expect("it is free");
    assert!(is_lost(old.append(back())));
    assert!(is_lost(old.close()), "it cannot even let go");
    new.append(back()).expect("the new holder is not disturbed");
    let after = directory.read_journal().expect("readable");
    assert_eq!(lines(&after).len(), lines(&before).len() + 2, "a lease and an event of the new holder, nothing else");
}

#[test]
fn a_foreign_line_is_noticed_before_the_next_append() {
    let (_place, directory, mut ledger) = on_disk();
    let mut file = std::fs::OpenOptions::new().append(true).open(directory.journal_path()).expect("there");
    file.write_all(b"{}\n").expect("written");
    let before = directory.read_journal().expect("readable");
    assert!(is_lost(ledger.append(back())));
    assert_eq!(directory.read_journal().expect("readable"), before, "nothing was added");
}

#[test]
fn a_journal_that_was_cut_or_removed_is_noticed() {
    let (_place, directory, mut ledger) = on_disk();
    let file = std::fs::OpenOptions::new().write(true).open(directory.journal_path()).expect("there");
    file.set_len(10).expect("cut");
    assert!(is_lost(ledger.append(back())));
    std::fs::remove_file(directory.journal_path()).expect("removed");
    assert!(matches!(ledger.append(back()), Err(JournalFault::Io(_))));
}

#[test]
fn each_writer_gets_the_next_fence() {
    let (_place, directory, ledger) = on_disk();
    assert_eq!(ledger.state().fence().0, 1);
    ledger.close().expect("let go");
    let again = open_in(&directory).expect("it is free");
    assert_eq!(again.state().fence().0, 2);
    drop(again);
    assert_eq!(open_in(&directory).expect("a dropped ledger lets go, too").state().fence().0, 3);
}
