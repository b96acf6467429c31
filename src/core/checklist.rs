//! The seed's testing checklist. An item ticks only from evidence.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Phase;

/// One line of the checklist, in the seed's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecklistItem {
    /// "Redis cluster created"
    ClusterCreated,
    /// "Can connect from staging"
    ConnectFromStaging,
    /// "Sessions persist across workers"
    SessionsPersistAcrossWorkers,
    /// "DataFrames serialize correctly"
    DataFramesSerialize,
    /// "50 concurrent users handled"
    ConcurrentUsersHandled,
    /// "No memory leaks"
    NoMemoryLeaks,
    /// "No performance degradation"
    NoPerformanceDegradation,
}

impl ChecklistItem {
    /// All items, in the seed's order.
    pub const ALL: [Self; 7] = [
        Self::ClusterCreated,
        Self::ConnectFromStaging,
        Self::SessionsPersistAcrossWorkers,
        Self::DataFramesSerialize,
        Self::ConcurrentUsersHandled,
        Self::NoMemoryLeaks,
        Self::NoPerformanceDegradation,
    ];

    /// The phase whose steps prove it.
    pub fn proven_in(self) -> Phase {
        match self {
            Self::ClusterCreated | Self::ConnectFromStaging => Phase::Infrastructure,
            Self::DataFramesSerialize | Self::NoPerformanceDegradation => Phase::StagingCopy,
            Self::SessionsPersistAcrossWorkers | Self::ConcurrentUsersHandled | Self::NoMemoryLeaks => {
                Phase::WorkerTuning
            }
        }
    }
}

impl fmt::Display for ChecklistItem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ClusterCreated => "Redis cluster created",
            Self::ConnectFromStaging => "Can connect from staging",
            Self::SessionsPersistAcrossWorkers => "Sessions persist across workers",
            Self::DataFramesSerialize => "DataFrames serialize correctly",
            Self::ConcurrentUsersHandled => "50 concurrent users handled",
            Self::NoMemoryLeaks => "No memory leaks",
            Self::NoPerformanceDegradation => "No performance degradation",
        })
    }
}
