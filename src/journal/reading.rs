//! Reading a journal: checking the chain, tolerating a torn tail, replaying.

use super::chain::{self, FORMAT_VERSION, Header, Record};
use crate::core::{Digest, RunState};
use crate::ports::JournalFault;

/// A journal, replayed.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Where the run stands.
    pub state: RunState,
    /// How many lines count.
    pub lines: u64,
    /// The last line's hash.
    pub head: Digest,
    /// When the last line was written.
    pub last_at: Option<jiff::Timestamp>,
    /// How many bytes count; more than that is a line that a crash left half written.
    pub length: u64,
    /// What an operator should know: torn tail, lines of a stale writer.
    pub warnings: Vec<String>,
    /// The format of the newest line, when it is newer than ours.
    pub newer: Option<u32>,
}

/// Replays a journal.
///
/// # Errors
/// `Damaged` when a line before the last is not what was written, or an event cannot follow the ones before it.
pub fn replay(bytes: &[u8]) -> Result<Replayed, JournalFault> {
    let mut replayed = Replayed {
        state: RunState::default(),
        lines: 0,
        head: Digest::zero(),
        last_at: None,
        length: 0,
        warnings: Vec::new(),
        newer: None,
    };
    for_each_record(bytes, &mut replayed, |_| {})?;
    Ok(replayed)
}

/// Replays a journal and keeps its records, for `migrate log`.
///
/// # Errors
/// As [`replay`].
pub fn read_records(bytes: &[u8]) -> Result<(Replayed, Vec<Record>), JournalFault> {
    let mut replayed = replay(&[])?;
    let mut records = Vec::new();
    for_each_record(bytes, &mut replayed, |record| records.push(record.clone()))?;
    Ok((replayed, records))
}

fn for_each_record(bytes: &[u8], replayed: &mut Replayed, mut visit: impl FnMut(&Record)) -> Result<(), JournalFault> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
            replayed.warnings.push(torn(replayed.lines + 1));
            break;
        };
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        match take(line, replayed)? {
            Taken::Torn(_) if after.is_empty() => {
                replayed.warnings.push(torn(replayed.lines + 1));
                break;
            }
            Taken::Torn(why) => {
                let number = replayed.lines + 1;
                return Err(JournalFault::Damaged(format!("line {number} of the journal was changed or lost: {why}")));
            }
            Taken::Unknown => {}
            Taken::Record(record) => visit(&record),
        }
        replayed.length += (end + 1) as u64;
        rest = after;
    }
    Ok(())
}

fn torn(line: u64) -> String {
    format!("line {line} was only half written when the program stopped; it is ignored")
}

enum Taken {
    /// Understood and replayed.
    Record(Box<Record>),
    /// Written by a newer version, in words we do not know.
    Unknown,
    /// Not a line.
    Torn(String),
}

fn take(line: &[u8], replayed: &mut Replayed) -> Result<Taken, JournalFault> {
    let Ok(line) = std::str::from_utf8(line) else { return Ok(Taken::Torn("it is not text".into())) };
    let (text, hash) = match chain::check(&replayed.head, line) {
        Ok(checked) => checked,
        Err(why) => return Ok(Taken::Torn(why)),
    };
    let number = replayed.lines + 1;
    let damaged = |why: String| JournalFault::Damaged(format!("line {number} of the journal: {why}"));
    let record: Record = match serde_json::from_str(text) {
        Ok(record) => record,
        Err(error) => {
            let header: Header = serde_json::from_str(text).map_err(|_| damaged(error.to_string()))?;
            if header.version <= FORMAT_VERSION || header.sequence != number {
                return Err(damaged(error.to_string()));
            }
            replayed.newer = Some(header.version);
            (replayed.head, replayed.lines) = (hash, number);
            return Ok(Taken::Unknown);
        }
    };
    if record.sequence != number {
        return Err(damaged(format!("it says it is number {}", record.sequence)));
    }
    if record.version > FORMAT_VERSION {
        replayed.newer = Some(record.version);
    }
    if record.entry.fence < replayed.state.fence() {
        replayed.warnings.push(format!("line {number} was written by a process that had lost the lock; it is ignored"));
    } else if replayed.newer.is_none() {
        // Moved out and back: the reducer takes the state by value.
        let state = std::mem::take(&mut replayed.state);
        replayed.state = state.apply(&record.entry).map_err(|error| damaged(error.to_string()))?;
    }
    (replayed.head, replayed.lines, replayed.last_at) = (hash, number, Some(record.at));
    Ok(Taken::Record(Box::new(record)))
}
