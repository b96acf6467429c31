//! How things fail, classified: what may be retried, what waits for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why something failed; decides about retries and about the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Asked too often: the same call will work later.
    Throttled,
    /// The network or the service hiccuped, or a resource is still in use.
    Transient,
    /// Not allowed: waits for permissions.
    Denied,
    /// Will fail again in the same way.
    Permanent,
    /// Something with our name exists that is not ours.
    Foreign,
    /// A gate said Hold or Abort.
    Gate,
    /// There was not enough to judge.
    Inconclusive,
    /// Something that must not change has changed.
    ProtectedChanged,
    /// The operator interrupted.
    Interrupted,
}

impl FailureClass {
    /// Whether the same call may work later without anyone doing anything.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient)
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Denied => "denied",
            Self::Permanent => "permanent",
            Self::Foreign => "foreign",
            Self::Gate => "gate",
            Self::Inconclusive => "inconclusive",
            Self::ProtectedChanged => "protected thing changed",
            Self::Interrupted => "interrupted",
        })
    }
}

/// What a failed step may have left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing: the call was refused before it did anything.
    Clean,
    /// Perhaps something: only a probe can tell.
    Unknown,
}

/// Something that went wrong, in words an operator can act on. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Why, for the engine.
    pub class: FailureClass,
    /// What happened and why, for a person.
    pub message: String,
    /// The next command to type, or what to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), hint: None }
    }

    /// Will fail again in the same way.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }

    /// May work later.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, message)
    }

    /// Adds the next command to type.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<super::MissingFact> for Failure {
    fn from(missing: super::MissingFact) -> Self {
        Self::permanent(missing.to_string()).hint("an earlier step provides it: run `migrate status`")
    }
}
