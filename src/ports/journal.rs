//! Where the journal is kept, who may write it, and who hears of it.

use crate::core::{Digest, Event, EvidenceDocument};

/// Why the journal could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// Somebody else holds the lock.
    #[error("locked by {holder} since {since} for `{reason}` (last heartbeat {heartbeat})")]
    Locked {
        /// Who.
        holder: String,
        /// Since when.
        since: String,
        /// For what.
        reason: String,
        /// When they were last seen alive.
        heartbeat: String,
    },
    /// The lock was taken away from us, or somebody else wrote: we must stop at once.
    #[error("the lock was taken away while we held it: {0}")]
    LeaseLost(String),
    /// The file is not what we wrote.
    #[error("{0}")]
    Damaged(String),
    /// The file was written by a newer version: it may be read, not written.
    #[error("the journal was written by a newer migrate (format {0}): it can be read, but not written")]
    Newer(u32),
    /// The event contradicts the journal: a bug, and nothing was written.
    #[error("{0}")]
    Illegal(String),
    /// The file system said no.
    #[error("{0}")]
    Io(String),
}

/// An append-only list of lines with one writer at a time.
pub trait JournalStore: Send {
    /// Everything that was written.
    ///
    /// # Errors
    /// When it cannot be read.
    fn load(&mut self) -> Result<Vec<u8>, JournalFault>;

    /// Cuts off everything after `length` bytes: the rest of a line that a crash left half written.
    ///
    /// # Errors
    /// When it cannot be written.
    fn truncate(&mut self, length: u64) -> Result<(), JournalFault>;

    /// Appends one line and does not return before it is durable.
    ///
    /// # Errors
    /// When we are no longer the only writer, or it cannot be written. Nobody may act on the event then.
    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault>;

    /// Whether we are still the only writer: asked before a call is repeated, without a line in between.
    ///
    /// # Errors
    /// When we are not.
    fn confirm(&self) -> Result<(), JournalFault>;
}

/// Measurements, stored by the digest of their content.
pub trait EvidenceStore: Send {
    /// Stores a document; its digest.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&mut self, document: &EvidenceDocument) -> Result<Digest, JournalFault>;
}

/// Who hears of every event, after it is durable.
pub trait EventSink: Send + Sync {
    /// Takes one event. Must not block.
    fn recorded(&self, at: jiff::Timestamp, event: &Event);
}
