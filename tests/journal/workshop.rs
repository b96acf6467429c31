//! Journals to break: in memory, on disk, and as text.

use std::sync::Arc;
use std::time::Duration;

use migrate::core::{Digest, Holder, RunState, Stamped};
use migrate::journal::{FORMAT_VERSION, Ledger, MemoryJournal, Record, StateDirectory};
use migrate::ports::{Clock, JournalFault, JournalStore};

use crate::support::{Deaf, at, every_event};

/// A clock that stands still.
pub struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        at(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep(&self, _: Duration) {}
}

/// Opens a ledger over a store.
pub fn open(store: impl JournalStore + 'static) -> Result<Ledger, JournalFault> {
    Ledger::open(Box::new(store), Arc::new(Still), Arc::new(Deaf), Holder::new("tester"), "a test")
}

/// A ledger on disk, under the lock.
pub fn open_in(directory: &StateDirectory) -> Result<Ledger, JournalFault> {
    open(directory.open_journal(Holder::new("tester"), "a test", at(0))?)
}

/// A journal of every kind of event, as the shipped writer writes it; the events of its lines.
pub fn written() -> (Vec<u8>, Vec<Stamped>) {
    let events = every_event();
    let journal = MemoryJournal::default();
    let mut ledger = open(journal.clone()).expect("an empty journal opens");
    for stamped in &events[1..] {
        ledger.append(stamped.event.clone()).expect("the sample is legal");
    }
    let (_, records) = migrate::journal::read_records(&journal.bytes()).expect("what was just written");
    (journal.bytes(), records.into_iter().map(|record| record.entry).collect())
}

/// The state after these events.
pub fn state_of(events: &[Stamped]) -> RunState {
    RunState::replay(events).expect("they are legal")
}

/// The lines of a journal, newlines included.
pub fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Chains records by hand, as `docs/formats.md` says: what another program, or another version, would write.
pub fn chained(records: &[serde_json::Value]) -> Vec<u8> {
    let mut head = Digest::zero();
    let mut bytes = Vec::new();
    for record in records {
        let body = record.to_string();
        head = Digest::of(format!("{head}{body}").as_bytes());
        bytes.extend(format!("{{\"hash\":\"{head}\",\"record\":{body}}}\n").into_bytes());
    }
    bytes
}

/// Records of these events, as values that a test may then change.
pub fn records(events: &[Stamped]) -> Vec<serde_json::Value> {
    let record = |(sequence, entry): (u64, &Stamped)| {
        let entry = entry.clone();
        serde_json::to_value(Record { version: FORMAT_VERSION, sequence, at: at(0), entry }).expect("JSON")
    };
    (1..).zip(events).map(record).collect()
}
