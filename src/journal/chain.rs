//! One line: how it is written, and how it is checked.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::Digest as _;

use crate::core::{Digest, Stamped};
use crate::ports::JournalFault;

/// The version this program writes.
pub const FORMAT_VERSION: u32 = 1;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The format's version.
    pub version: u32,
    /// 1 for the first line, then one more each.
    pub sequence: u64,
    /// When it was written.
    pub at: jiff::Timestamp,
    /// The event and its fence.
    pub entry: Stamped,
}

/// The parts of a record that every version has: enough to tell a newer one from a damaged one.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) version: u32,
    pub(super) sequence: u64,
}

#[derive(Deserialize)]
struct Line<'a> {
    hash: &'a str,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// The hash of a line, given the one before it.
fn link(previous: &Digest, record: &str) -> String {
    let mut hasher = sha2::Sha256::new();
    hasher.update(previous.as_str());
    hasher.update(record);
    hex::encode(hasher.finalize())
}

/// Writes a line, newline included, and its hash.
///
/// # Errors
/// When the record cannot be written as JSON.
pub(super) fn write(previous: &Digest, record: &Record) -> Result<(String, Digest), JournalFault> {
    let body = serde_json::to_string(record).map_err(|error| JournalFault::Illegal(error.to_string()))?;
    let hash = link(previous, &body);
    Ok((format!("{{\"hash\":\"{hash}\",\"record\":{body}}}\n"), Digest::from_hex(&hash)))
}

/// Checks a line against the chain; its record's text and its hash.
///
/// # Errors
/// When it is not a line, or the chain is broken there.
pub(super) fn check<'a>(previous: &Digest, line: &'a str) -> Result<(&'a str, Digest), String> {
    let parsed: Line<'_> = serde_json::from_str(line).map_err(|error| format!("not a journal line: {error}"))?;
    let record = parsed.record.get();
    if link(previous, record) != parsed.hash {
        return Err("its hash does not follow from the line before it".into());
    }
    // `record` borrows from `line`: the raw value is a slice of it.
    Ok((record, Digest::from_hex(parsed.hash)))
}
