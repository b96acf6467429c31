//! Whatever is done to a line, it is noticed.

use migrate::journal::{MemoryJournal, replay};
use migrate::ports::JournalFault;
use proptest::prelude::*;

use crate::support::every_event;
use crate::workshop::{chained, lines, open, records, state_of, written};

#[test]
fn what_was_written_is_read_back() {
    let (bytes, events) = written();
    let replayed = replay(&bytes).expect("it is whole");
    assert_eq!(replayed.state, state_of(&events));
    assert_eq!((replayed.lines, replayed.length), (events.len() as u64, bytes.len() as u64));
    assert!(replayed.warnings.is_empty() && replayed.newer.is_none());
}

#[test]
fn the_chain_is_what_the_documentation_says() {
    let (bytes, events) = written();
    let by_hand = chained(&records(&events));
    let replayed = replay(&by_hand).expect("chained by the documentation");
    assert_eq!(replayed.state, replay(&bytes).expect("chained by the writer").state);
}

/// Asserts that damaged bytes are never taken for whole: refused, or cut before the damage with a warning.
fn noticed(damaged: &[u8], whole: &[u8], at: usize) -> Result<(), TestCaseError> {
    match replay(damaged) {
        Err(JournalFault::Damaged(why)) => prop_assert!(why.contains("line"), "it says where: {}", why),
        Err(other) => return Err(TestCaseError::fail(format!("byte {at}: {other:?}"))),
        Ok(replayed) => {
            prop_assert!(!replayed.warnings.is_empty(), "byte {} was changed, and nobody noticed", at);
            let length = usize::try_from(replayed.length).expect("short");
            prop_assert!(length <= at, "the damage at byte {} counts as read", at);
            prop_assert_eq!(replayed.state, replay(&whole[..length]).expect("what is before the damage").state);
        }
    }
    Ok(())
}

#[test]
fn every_byte_is_guarded_and_damage_before_the_last_line_stops_everything() {
    let (whole, _) = written();
    let all = lines(&whole);
    // A newline that is lost makes one line of two: the last line but one shares the last one's fate.
    let last_two = whole.len() - all[all.len() - 1].len() - all[all.len() - 2].len();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        noticed(&damaged, &whole, at).expect("a flipped bit is noticed");
        assert!(at >= last_two || replay(&damaged).is_err(), "byte {at} is no torn end");
    }
}

#[test]
fn a_damaged_journal_is_not_written_to() {
    let (whole, _) = written();
    let mut damaged = whole;
    damaged[100] ^= 1;
    let journal = MemoryJournal::holding(damaged.clone());
    assert!(matches!(open(journal.clone()).err(), Some(JournalFault::Damaged(_))));
    assert_eq!(journal.bytes(), damaged);
}

#[test]
fn a_lost_a_doubled_and_a_swapped_line_are_noticed() {
    let (whole, _) = written();
    let all = lines(&whole);
    for at in 0..all.len() - 2 {
        let mut lost = all.clone();
        lost.remove(at);
        let mut doubled = all.clone();
        doubled.insert(at, all[at]);
        let mut swapped = all.clone();
        swapped.swap(at, at + 1);
        for damaged in [lost, doubled, swapped] {
            assert!(matches!(replay(&damaged.concat()), Err(JournalFault::Damaged(_))), "line {}", at + 1);
        }
    }
}

#[test]
fn a_chain_that_holds_does_not_make_an_illegal_event_legal() {
    let mut events = every_event();
    events.remove(1);
    let error = replay(&chained(&records(&events))).expect_err("no run is open");
    assert_eq!(error, JournalFault::Damaged("line 2 of the journal: illegal event: no run is open".into()));
}

#[test]
fn a_line_that_lies_about_its_number_is_damage() {
    let mut values = records(&every_event());
    values[3]["sequence"] = 7.into();
    let error = replay(&chained(&values)).expect_err("it is the fourth");
    assert_eq!(error, JournalFault::Damaged("line 4 of the journal: it says it is number 7".into()));
}

#[test]
fn lines_of_a_stale_writer_are_ignored_with_a_warning() {
    let mut events = every_event();
    let mut stolen = events[0].clone();
    stolen.fence = stolen.fence.next();
    // After the thief's lease, the old holder's line: properly chained, and of no account.
    events.truncate(5);
    let stale = events.pop().expect("five");
    events.extend([stolen, stale]);
    let replayed = replay(&chained(&records(&events))).expect("it is no damage");
    let words = "line 6 was written by a process that had lost the lock; it is ignored";
    assert_eq!(replayed.warnings, [words]);
    assert_eq!(replayed.state, state_of(&events[..5]));
    let ledger = open(MemoryJournal::holding(chained(&records(&events)))).expect("it can be gone on with");
    assert_eq!(ledger.warnings(), [words]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_changed_byte_is_noticed(place in any::<prop::sample::Index>(), mask in 1_u8..) {
        let (whole, _) = written();
        let at = place.index(whole.len());
        let mut damaged = whole.clone();
        damaged[at] ^= mask;
        noticed(&damaged, &whole, at)?;
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(replayed) = replay(&bytes) {
            prop_assert!(replayed.lines == 0, "{:?} was taken for a journal", bytes);
        }
    }
}
