//! Counting the sessions of an application's files.

use async_trait::async_trait;

use super::reader::HostReader;
use crate::core::Failure;
use crate::ports::{CensusFacts, CensusJob, CensusRead};

/// How long the census may take on the host, in seconds: thousands of large sessions from a slow disk.
const CENSUS_TIMEOUT_SECONDS: u64 = 600;

#[async_trait]
impl CensusRead for HostReader {
    async fn session_census(&self, job: &CensusJob) -> Result<CensusFacts, Failure> {
        let what = format!("counting the sessions below {}", job.application);
        let seconds = CENSUS_TIMEOUT_SECONDS.to_string();
        let arguments = [job.unit.as_str(), job.bridge.as_str(), job.application.as_str(), &seconds];
        let answer =
            self.ask(&what, include_str!("scripts/census.sh"), &arguments, CENSUS_TIMEOUT_SECONDS + 30).await?;
        // Only where it makes no sense, never the answer itself: it is about sessions.
        serde_json::from_str(&answer).map_err(|error| {
            self.nonsense(&what, &format!("it is not a census: {error}"))
                .hint("the bridge on the host is not this version's: run `migrate rollback`, then the phase again")
        })
    }
}
