//! What the ramp found out, for the steps after it.

use serde::{Deserialize, Serialize};

use crate::core::{Facts, Failure, Verdict};
use crate::evidence::{Proportion, WorkerRun};
use crate::steps::facts::RAMP_RESULTS;

/// The ramp's results.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RampResults {
    /// Every count that was tried, in order.
    pub counts: Vec<CountResult>,
    /// Why no more were tried, when some were left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// One count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountResult {
    /// Whether it is good.
    pub verdict: Verdict,
    /// What was measured.
    pub run: WorkerRun,
    /// How much memory master and workers may hold on this host, in bytes.
    pub room_bytes: u64,
    /// Wrong answers to reads of shared state: not judged by the ramp, but by the pairs.
    pub set_aside: Proportion,
}

impl RampResults {
    /// From the facts.
    ///
    /// # Errors
    /// When the ramp has not been there.
    pub fn of(facts: &Facts) -> Result<Self, Failure> {
        let Some(results) = RAMP_RESULTS.known(facts) else {
            return Err(
                Failure::permanent("there are no results of a worker ramp").hint("run phase 3 from its beginning")
            );
        };
        results.read().map_err(|error| {
            Failure::permanent(format!("the results of the worker ramp cannot be read: {error}"))
                .hint("they are another version's: `migrate rollback`, then phase 3 again")
        })
    }
}
