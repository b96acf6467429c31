//! How one request failed.

use crate::ports::ErrorKind;

/// A failed request: its kind, for counting, and its words, for the first examples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub kind: ErrorKind,
    pub words: String,
    /// The status, when there was one.
    pub status: Option<u16>,
}

impl Fault {
    pub fn new(kind: ErrorKind, words: impl Into<String>) -> Self {
        Self { kind, words: words.into(), status: None }
    }

    pub fn with_status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }
}
