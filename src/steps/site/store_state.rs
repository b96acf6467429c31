//! The store, before and after a load.

use std::time::Duration;

use serde::Serialize;

use crate::core::Failure;
use crate::ports::{CacheInfo, StoreAccess};
use crate::steps::ReadContext;

/// How long a connection may take to open.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How many times the round trip is measured.
const PING_COUNT: usize = 9;

/// How the store is doing.
#[derive(Debug, Clone, Serialize)]
pub struct StoreSeen {
    /// What it says.
    #[serde(flatten)]
    pub info: CacheInfo,
    /// The middle one of a few round trips, in milliseconds.
    pub round_trip_ms: f64,
}

impl StoreSeen {
    /// The share of reads since then that found something, as a percentage; `None` when there were none.
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    pub fn hit_rate_since(&self, before: &Self) -> Option<f64> {
        let hits = self.info.keyspace_hits.saturating_sub(before.info.keyspace_hits);
        let misses = self.info.keyspace_misses.saturating_sub(before.info.keyspace_misses);
        (hits + misses > 0).then(|| 100.0 * hits as f64 / (hits + misses) as f64)
    }
}

/// Asks the store.
///
/// # Errors
/// When it cannot be reached.
pub async fn look(context: &ReadContext<'_>, access: &StoreAccess) -> Result<StoreSeen, Failure> {
    let clock = &context.ports.clock;
    let mut session = access.open(&*context.ports.cache, CONNECT_TIMEOUT).await?;
    let mut trips = Vec::with_capacity(PING_COUNT);
    for _ in 0..PING_COUNT {
        let began = clock.elapsed();
        session.ping().await?;
        trips.push(clock.elapsed().saturating_sub(began));
    }
    trips.sort_unstable();
    let round_trip_ms = trips[PING_COUNT / 2].as_secs_f64() * 1_000.0;
    Ok(StoreSeen { info: session.info().await?, round_trip_ms })
}
