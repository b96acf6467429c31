//! A crash at any byte: what was whole counts, what was not is cut off, and the run goes on.

use migrate::core::{Event, Phase};
use migrate::journal::{MemoryJournal, StateDirectory, replay};

use crate::workshop::{lines, open, open_in, state_of, written};

#[test]
fn every_prefix_of_whole_lines_replays_and_can_be_gone_on_with() {
    let (bytes, events) = written();
    let mut length = 0;
    for (count, line) in (1..).zip(lines(&bytes)) {
        length += line.len();
        let replayed = replay(&bytes[..length]).expect("a crash between two lines");
        assert_eq!(replayed.state, state_of(&events[..count]));
        assert!(replayed.warnings.is_empty());
        let mut ledger = open(MemoryJournal::holding(bytes[..length].to_vec())).expect("the next process");
        assert_eq!(ledger.state().fence(), replayed.state.fence().next());
        if ledger.state().run().is_some() {
            let back = Event::RollbackStarted { to: Phase::Preflight, reason: None };
            ledger.append(back).expect("a rollback is legal from every state");
        }
    }
}

#[test]
fn a_cut_at_every_byte_of_the_last_line_costs_only_that_line() {
    let (bytes, events) = written();
    let last = bytes.len() - lines(&bytes).last().expect("many").len();
    let words = format!("line {} was only half written when the program stopped; it is ignored", events.len());
    for cut in last + 1..bytes.len() {
        let replayed = replay(&bytes[..cut]).expect("a crash in the middle of a line");
        assert_eq!(replayed.warnings, [words.as_str()], "cut at {cut}");
        assert_eq!(usize::try_from(replayed.length).ok(), Some(last));
        assert_eq!(replayed.state, state_of(&events[..events.len() - 1]));
    }
}

#[test]
fn the_next_writer_cuts_the_torn_line_off() {
    let (bytes, _) = written();
    let last = bytes.len() - lines(&bytes).last().expect("many").len();
    for cut in [last + 1, usize::midpoint(last, bytes.len()), bytes.len() - 1] {
        let journal = MemoryJournal::holding(bytes[..cut].to_vec());
        let ledger = open(journal.clone()).expect("the next process");
        assert_eq!(ledger.warnings().len(), 1);
        let after = journal.bytes();
        assert_eq!(after[..last], bytes[..last]);
        let replayed = replay(&after).expect("it is whole again");
        assert!(replayed.warnings.is_empty());
        assert_eq!(lines(&after).len(), lines(&bytes).len(), "the torn line went, the new lease came");
    }
}

#[test]
fn zeros_that_a_file_system_left_at_the_end_are_a_torn_line() {
    let (bytes, events) = written();
    let padded = [bytes.clone(), vec![0; 64]].concat();
    let replayed = replay(&padded).expect("a crash");
    assert_eq!((replayed.state, replayed.length), (state_of(&events), bytes.len() as u64));
    assert_eq!(replayed.warnings.len(), 1);
}

#[test]
fn on_disk_too_the_torn_line_goes_and_the_run_goes_on() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().join(".migrate"));
    let (bytes, _) = written();
    std::fs::create_dir_all(directory.root()).expect("made");
    std::fs::write(directory.journal_path(), &bytes[..bytes.len() - 9]).expect("written");
    let ledger = open_in(&directory).expect("the next process");
    assert_eq!(ledger.warnings().len(), 1);
    ledger.close().expect("let go");
    let replayed = directory.replay().expect("it is whole");
    assert!(replayed.warnings.is_empty() && replayed.state.holder().is_none());
}

#[test]
fn no_journal_is_an_empty_one() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().join("nowhere"));
    assert_eq!(directory.replay().expect("nothing is there").lines, 0);
    assert!(!directory.root().exists(), "looking makes nothing");
}
