//! The sessions in staging's files, as a test says they are.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::World;
use super::targets::Handle;
use crate::core::Failure;
use crate::ports::{CensusFacts, CensusJob, CensusRead};

/// What counting takes.
const TAKES: Duration = Duration::from_secs(3);

/// What a healthy site has.
pub(super) fn usual() -> CensusFacts {
    CensusFacts {
        directories: vec!["flask_session".to_owned()],
        sessions: 412,
        expired: 12,
        file_bytes: [18_000, 240_000, 900_000],
        redis_bytes: [16_000, 210_000, 800_000],
        redis_total_bytes: 24_000_000,
        remaining_seconds: [1_200_000, 2_500_000, 2_678_400],
        types: BTreeMap::from([("builtins.str".to_owned(), 2_100), ("pandas.core.frame.DataFrame".to_owned(), 230)]),
        ..CensusFacts::default()
    }
}

#[async_trait]
impl CensusRead for Handle {
    async fn session_census(&self, _: &CensusJob) -> Result<CensusFacts, Failure> {
        // First, so that a host that cannot be reached says so.
        self.on_host("target.session_census", |_| Ok(())).await?;
        let world: &World = &self.world;
        world.time().pass(TAKES);
        Ok(world.edit(|state| state.census.clone()))
    }
}
