//! Why the engine stopped before the end, and how the process then exits.

use std::time::Duration;

use crate::core::{Exit, Failure, FailureClass, Phase, StepId};
use crate::evidence::hours;
use crate::ports::{JournalFault, TaggedResource};

use super::Signal;

/// Why it stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A step failed; what it says is in the journal.
    #[error("{step} failed: {failure}")]
    Failed {
        /// Which step.
        step: StepId,
        /// Why.
        failure: Failure,
    },
    /// A step was never begun, or an undo waits for better weather; nothing is wrong with the journal.
    #[error("{0}")]
    Refused(Failure),
    /// An undo failed, now or earlier.
    #[error("{step} is stuck: {failure}")]
    Stuck {
        /// Which step.
        step: StepId,
        /// Why.
        failure: Failure,
    },
    /// Everything the journal knows of was undone, and something with our tag is still there.
    #[error("left over: {}", .0.iter().map(|left| format!("{} {}", left.kind, left.name)).collect::<Vec<_>>().join(", "))]
    LeftOver(Vec<TaggedResource>),
    /// A soak goes on, and only one window of it was asked for.
    #[error("{step}: at least {} to go: {}", hours(left.as_secs()), missing.join("; "))]
    Waiting {
        /// Which step.
        step: StepId,
        /// Its phase.
        phase: Phase,
        /// At least so long.
        left: Duration,
        /// What is missing, in words.
        missing: Vec<String>,
    },
    /// A signal: everything is checkpointed.
    #[error("stopped by {}; the same command goes on from here", .0.name())]
    Signalled(Signal),
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalFault),
}

impl Stop {
    /// How the process exits.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Failed { failure, .. } | Self::Refused(failure) => failure.class.into(),
            Self::Stuck { .. } | Self::LeftOver(_) => Exit::Stuck,
            Self::Waiting { .. } => Exit::Waiting,
            Self::Signalled(Signal::HangUp) => Exit::HungUp,
            Self::Signalled(Signal::Interrupt) => Exit::Interrupted,
            Self::Signalled(Signal::Terminate) => Exit::Terminated,
            Self::Journal(JournalFault::Locked { .. } | JournalFault::LeaseLost(_)) => Exit::Locked,
            Self::Journal(_) => Exit::Internal,
        }
    }

    /// The next command to type.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed { failure, .. } if failure.hint.is_some() => failure.hint.clone(),
            Self::Failed { step, failure } => Some(match failure.class {
                FailureClass::Foreign => format!("look at what {step} found, rename or remove it, and run the phase again"),
                _ => "fix it and run the same command again, or undo the phase with `migrate rollback`".to_owned(),
            }),
            Self::Refused(failure) => failure.hint.clone(),
            Self::Stuck { step, failure } => {
                let look = failure.hint.clone().map(|hint| format!("{hint}\n")).unwrap_or_default();
                Some(format!(
                    "{look}then `migrate rollback` tries again; `migrate stuck forget {step} --reason WHY` when it no longer exists or does not belong to this rollout; `migrate stuck adopt {step} --reason WHY` to go forward with it"
                ))
            }
            Self::LeftOver(_) => Some("`migrate rollback --discover` releases what carries this rollout's tag".to_owned()),
            Self::Journal(JournalFault::Locked { .. }) => {
                Some("wait for it, or, when that process is gone or hangs: `migrate unlock --force --reason WHY`".to_owned())
            }
            Self::Journal(JournalFault::LeaseLost(_)) => Some("see who works here now: `migrate status`".to_owned()),
            Self::Journal(JournalFault::Damaged(_)) => Some(
                "keep the file for inspection; `migrate rollback --discover` works from what carries this rollout's tag"
                    .to_owned(),
            ),
            Self::Waiting { phase, .. } => Some(format!("migrate phase {} --once", phase.number())),
            Self::Signalled(_) | Self::Journal(_) => None,
        }
    }
}
