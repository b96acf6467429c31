//! The sessions an application has in its files, counted where they are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::core::Failure;
use crate::core::rollout::AbsolutePath;

/// Where to count, and with what. The interpreter is the running process's; the bridge is read from `bridge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CensusJob {
    /// The unit whose main process's interpreter is used.
    pub unit: String,
    /// The directory that holds `migrate_sessions/`.
    pub bridge: AbsolutePath,
    /// The application's tree: its session files are found below it.
    pub application: AbsolutePath,
}

/// What was counted. No value of any session is in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct CensusFacts {
    /// Directories in which session files were found.
    pub directories: Vec<String>,
    /// Files that are sessions.
    pub sessions: u64,
    /// Files that were not opened: another owner, a link, writable by others.
    pub untrusted: u64,
    /// Files that could not be read as a session.
    pub unreadable: u64,
    /// Sessions that have expired.
    pub expired: u64,
    /// Bytes of their files: median, 95th percentile, largest.
    pub file_bytes: [u64; 3],
    /// Bytes of what Redis would hold of the same sessions: median, 95th percentile, largest.
    pub redis_bytes: [u64; 3],
    /// All of them together in Redis.
    pub redis_total_bytes: u64,
    /// Seconds they still have to live: median, 95th percentile, longest.
    pub remaining_seconds: [u64; 3],
    /// How many values of each type there are, by the type's full name.
    pub types: BTreeMap<String, u64>,
    /// Types that the bridge keeps in the old store alone, with how many sessions hold one.
    pub unserializable: BTreeMap<String, u64>,
    /// How many sessions were opened, when not all were: what is counted by type is then of these alone, and the total
    /// in Redis is extrapolated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub examined: Option<u64>,
}

/// Counting.
#[async_trait]
pub trait CensusRead: Send + Sync {
    /// Counts. Reads session files and nothing else.
    ///
    /// # Errors
    /// `Permanent` when the unit does not run, its interpreter cannot be told, or there is no bridge.
    async fn session_census(&self, job: &CensusJob) -> Result<CensusFacts, Failure>;
}
