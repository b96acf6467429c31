//! How a write fails: what went wrong, and whether it may have happened all the same.

use crate::core::{Failure, Outcome};

/// A write that did not report success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct WriteFailure {
    /// What it may have left behind. A lost reply is `Unknown`; a refusal is `Clean`.
    pub outcome: Outcome,
    /// Why.
    pub failure: Failure,
}

impl WriteFailure {
    /// Refused: nothing happened.
    pub fn clean(failure: Failure) -> Self {
        Self { outcome: Outcome::Clean, failure }
    }

    /// No answer: it may have happened.
    pub fn unknown(failure: Failure) -> Self {
        Self { outcome: Outcome::Unknown, failure }
    }

    /// Adds the next command to type, unless there is one already.
    #[must_use]
    pub fn or_hint(self, hint: impl FnOnce() -> String) -> Self {
        match self.failure.hint {
            Some(_) => self,
            None => Self { failure: self.failure.hint(hint()), ..self },
        }
    }
}
