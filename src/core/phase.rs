//! The phases, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Preflight and the seed's four phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Phase {
    /// Reads only: identity, permissions, targets.
    Preflight,
    /// The store and a connection test.
    Infrastructure,
    /// The copy on staging.
    StagingCopy,
    /// Worker counts under load.
    WorkerTuning,
    /// Production, one instance at a time.
    Production,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 5] =
        [Self::Preflight, Self::Infrastructure, Self::StagingCopy, Self::WorkerTuning, Self::Production];

    /// The number operators type.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The phase before this one.
    pub fn previous(self) -> Option<Self> {
        Self::try_from(self.number().checked_sub(1)?).ok()
    }

    /// The phase after this one.
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.number() + 1).ok()
    }
}

/// A number that is no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a phase: phases are 0 (preflight) to 4")]
pub struct NoSuchPhase(u8);

impl TryFrom<u8> for Phase {
    type Error = NoSuchPhase;

    fn try_from(number: u8) -> Result<Self, NoSuchPhase> {
        Self::ALL.get(usize::from(number)).copied().ok_or(NoSuchPhase(number))
    }
}

impl From<Phase> for u8 {
    fn from(phase: Phase) -> Self {
        phase.number()
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preflight => out.write_str("preflight"),
            phase => write!(out, "phase {}", phase.number()),
        }
    }
}
