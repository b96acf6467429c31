//! The census of the session files on a simulated host.

use std::time::Duration;

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::Failure;
use crate::ports::{CensusFacts, CensusJob, CensusRead};

/// What counting takes.
const CENSUS_DURATION: Duration = Duration::from_secs(3);

#[async_trait]
impl CensusRead for Handle {
    async fn session_census(&self, _: &CensusJob) -> Result<CensusFacts, Failure> {
        // First, so that a host that cannot be reached says so.
        self.on_host("target.session_census", |_| Ok(())).await?;
        self.world.time().pass(CENSUS_DURATION);
        Ok(self.world.edit(|state| state.census.clone()))
    }
}
