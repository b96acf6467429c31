//! Running a load.

use std::time::Duration;

use async_trait::async_trait;

use super::{ErrorKind, LoadPlan, LoadResult, LoadTarget};
use crate::core::{Failure, rollout::Journey};

/// How a running load is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadSnapshot {
    /// Since the beginning.
    pub elapsed: Duration,
    /// Requests that are over.
    pub requests: u64,
    /// How many of them failed or were not answered as expected.
    pub failed: u64,
    /// How most of those failed.
    pub mostly: Option<ErrorKind>,
    /// Requests that were over within the last second.
    pub recent: u64,
    /// Half of those were not slower.
    pub recent_p50: Option<Duration>,
    /// 95 of 100 of those were not slower.
    pub recent_p95: Option<Duration>,
    /// 99 of 100 of those were not slower.
    pub recent_p99: Option<Duration>,
}

/// Hears about once a second how a load is doing.
pub trait LoadObserver: Send + Sync {
    /// Takes a snapshot. Must not block.
    fn snapshot(&self, snapshot: LoadSnapshot);
}

/// Nobody listens.
impl LoadObserver for crate::ports::Silent {
    fn snapshot(&self, _: LoadSnapshot) {}
}

/// Simulates users.
#[async_trait]
pub trait LoadGenerator: Send + Sync {
    /// Lets users do the journeys until the time is up. Dropping it ends every user at once, and what they met with is
    /// lost.
    ///
    /// # Errors
    /// When no user could begin: `Permanent` when a journey cannot be sent as it is written, `Transient` when there is
    /// no way to the target. Requests that fail are no error of the run: they are in its result.
    async fn run(
        &self,
        target: &LoadTarget,
        journeys: &[Journey],
        plan: &LoadPlan,
        observer: &dyn LoadObserver,
    ) -> Result<LoadResult, Failure>;
}
