//! What the session bridge of a running application says it did: the lines of its metrics file.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::core::Failure;
use crate::core::rollout::AbsolutePath;

/// One process's totals since it began, from its last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BridgeTotals {
    /// The process.
    pub pid: u32,
    /// Sessions asked for by a cookie.
    pub reads: u64,
    /// Reads, writes and deletions that went to the old store alone because Redis was away.
    pub falls: u64,
    /// Redis values of ours that cannot be decoded.
    pub damaged: u64,
    /// Saves and copies that Redis was spared, because a value would have changed its type.
    pub unserializable: u64,
    /// Writes that the old store did not take.
    pub old_failures: u64,
}

/// Every process that the file's last lines know of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BridgeLog {
    /// Whether the file is there.
    pub exists: bool,
    /// By process, the one that wrote last at the end.
    pub processes: Vec<BridgeTotals>,
}

/// Reading it.
#[async_trait]
pub trait BridgeRead: Send + Sync {
    /// Reads the last megabytes of the file. Every line holds totals, so a file that was rotated or cut loses nothing of a
    /// process that writes again. A file that is not there is no error: nobody has used a session yet.
    ///
    /// # Errors
    /// `Permanent` when the file is there and must not be read.
    async fn bridge_log(&self, file: &AbsolutePath) -> Result<BridgeLog, Failure>;
}
