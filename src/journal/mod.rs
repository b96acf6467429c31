//! The journal: append-only JSONL, one fsync an event, hash-chained, versioned, one writer at a time.
//!
//! A line is `{"hash":H,"record":R}`; H is SHA-256 over the previous line's H and the bytes of R. `docs/formats.md`
//! describes R.

mod chain;
mod directory;
mod evidence;
mod file;
mod ledger;
mod lock;
mod memory;
mod reading;

pub use chain::{FORMAT_VERSION, Record};
pub use directory::StateDirectory;
pub use evidence::{FileEvidence, MemoryEvidence};
pub use file::FileJournal;
pub use ledger::Ledger;
pub use lock::{Lock, LockInfo, LockState, break_lock, inspect_lock};
pub use memory::MemoryJournal;
pub use reading::{Replayed, read_records, replay};
