//! How the copy is compared with the original, and what is still good enough.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanDuration, Percent};

/// The side-by-side comparison of phase 2. Every side has as many turns as there are rounds, first the original against
/// itself, then the copy against the original: together four times `rounds` times `round`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Comparison {
    /// How many turns each side has. More and shorter turns are better against a machine that others use, too.
    #[schemars(range(min = 3, max = 1000))]
    pub rounds: u32,
    /// How long one turn takes.
    pub round: HumanDuration,
    /// How many users take part, each with cookies of its own.
    #[schemars(range(min = 1, max = 10_000))]
    pub users: u32,
    /// How many journeys begin a minute, all users together. Without it: half of what one user alone gets done on the
    /// original, which is measured first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 600_000))]
    pub journeys_per_minute: Option<u32>,
    /// How much longer the copy may take.
    pub slower: Percent,
    /// How much longer is reason to go back.
    pub far_slower: Percent,
    /// The largest share of failed requests, whatever the original's is.
    pub error_ceiling: Percent,
    /// How much larger than the original's the share of failed requests may be.
    pub more_errors: Percent,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            rounds: 10,
            round: std::time::Duration::from_secs(20).into(),
            users: 10,
            journeys_per_minute: None,
            slower: Percent::hundredths(1_000),
            far_slower: Percent::hundredths(5_000),
            error_ceiling: Percent::hundredths(100),
            more_errors: Percent::hundredths(50),
        }
    }
}

impl Comparison {
    /// Whether nothing in particular was written.
    pub fn is_default(&self) -> bool {
        self == &Self::default()
    }
}
