//! A network path that is cut on purpose, for a while, and heals by itself even when nobody comes back.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Endpoint, WriteFailure};
use crate::core::{ApplyPermit, Failure, UndoPermit, rollout::Name};

/// A path to cut: packets from the host to the endpoint vanish, so that connections hang as they do when a network fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathCut {
    /// To where.
    pub endpoint: Endpoint,
    /// For whom: the name in the mark that is left on the host.
    pub rollout: Name,
    /// The cut begins so much later, so that users can sign in while the path is still whole. In whole seconds.
    pub begins_after: Duration,
    /// After so long the host itself restores the path, whatever became of us. In whole seconds.
    pub lasts: Duration,
}

/// A cut as the host's mark tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutState {
    /// There is no mark, and the path is whole.
    Whole,
    /// The host will cut the path by itself.
    Armed {
        /// In so many milliseconds.
        begins_in_ms: u64,
    },
    /// Cut, and for so long still.
    Cut {
        /// Until the host restores it, in milliseconds; 0 when it is overdue.
        remaining_ms: u64,
    },
    /// There is a mark, but the time is up and the path is whole again.
    Healed,
    /// The time for it came, and the host could not cut the path.
    Failed {
        /// What the host says about it.
        why: String,
    },
}

/// Looking at a cut. A rollout's name is enough: what was cut is in the host's mark.
#[async_trait]
pub trait PathRead: Send + Sync {
    /// How the path is.
    async fn path_cut(&self, rollout: &Name) -> Result<CutState, Failure>;
}

/// Cutting and restoring.
#[async_trait]
pub trait PathWrite: Send + Sync {
    /// Has the host cut the path later on, and restore it still later. Returns at once. Needs `ip route` through
    /// `sudo -n`; without it, and where there is a mark already, it fails cleanly.
    async fn cut_path(&self, permit: &ApplyPermit, cut: &PathCut) -> Result<(), WriteFailure>;
    /// Calls off what is still to come, restores the path and removes the mark. A path that is whole is success.
    async fn restore_path(&self, permit: &UndoPermit, rollout: &Name) -> Result<(), WriteFailure>;
}
