//! Phase 3: the load, what must not be kept in one worker, and how long to look for a leak.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HumanDuration, JourneyRequest, Name, Percent};

/// Nobody arrives more slowly than this, unless the file says so.
const LONGEST_RAMP_UP: Duration = Duration::from_secs(30);

/// Concurrent users on the copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// How many users at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub users: u32,
    /// For how long.
    pub duration: HumanDuration,
    /// Over how long the users arrive. Without it: a tenth of the duration, 30 seconds at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up: Option<HumanDuration>,
    /// The largest share of requests that may fail with a worker count that is good.
    #[serde(default = "one_percent", skip_serializing_if = "is_one_percent")]
    pub error_ceiling: Percent,
    /// How busy the processors may be: beyond it no more workers are tried. 100% is no limit.
    #[serde(default = "busy", skip_serializing_if = "is_busy")]
    pub max_load: Percent,
    /// Busier than this, and the load is taken off at once. 100% is no limit.
    #[serde(default = "far_too_busy", skip_serializing_if = "is_far_too_busy")]
    pub critical_load: Percent,
}

const ONE: Percent = Percent::hundredths(100);
const BUSY: Percent = Percent::hundredths(9_000);
const FAR_TOO_BUSY: Percent = Percent::hundredths(9_800);

fn one_percent() -> Percent {
    ONE
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_one_percent(percent: &Percent) -> bool {
    *percent == ONE
}

fn busy() -> Percent {
    BUSY
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_busy(percent: &Percent) -> bool {
    *percent == BUSY
}

fn far_too_busy() -> Percent {
    FAR_TOO_BUSY
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_far_too_busy(percent: &Percent) -> bool {
    *percent == FAR_TOO_BUSY
}

impl Load {
    /// Limits that the file need not say, as percentages: `max_load` and `critical_load`.
    pub const DEFAULT_LIMITS: (Percent, Percent) = (BUSY, FAR_TOO_BUSY);

    /// Over how long the users arrive.
    pub fn ramp_up(&self) -> Duration {
        self.ramp_up.map_or_else(|| (self.duration.get() / 10).min(LONGEST_RAMP_UP), HumanDuration::get)
    }
}

/// A pair of requests of one user: what the first writes, the second has to read, whichever worker answers. Users sign in
/// before, as the journeys do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedState {
    /// What it is called in reports.
    pub name: Name,
    /// Writes, and extracts what the second has to read.
    pub write: JourneyRequest,
    /// Reads, any number of times, and expects what was written.
    pub read: JourneyRequest,
}

/// How much must be seen before it is said that nothing leaks, and how much growth is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LeakTest {
    /// How long a worker runs under load before its memory counts: imports and caches are no leak.
    pub warm_up: HumanDuration,
    /// How long each worker is watched after that; in the soak of phase 4, how long at least before its memory is judged.
    pub minimum_time: HumanDuration,
    /// How many requests have to be answered meanwhile, by all workers.
    #[schemars(range(min = 1))]
    pub minimum_requests: u64,
    /// How much all workers together may grow, in MiB. Without it: what the host has left when the test begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub headroom_mib: Option<u32>,
    /// How long that has to last.
    pub horizon: HumanDuration,
}

impl Default for LeakTest {
    fn default() -> Self {
        let minutes = |minutes: u64| HumanDuration::from(Duration::from_secs(60 * minutes));
        Self {
            warm_up: minutes(2),
            minimum_time: minutes(10),
            minimum_requests: 5_000,
            headroom_mib: None,
            horizon: minutes(7 * 24 * 60),
        }
    }
}

impl LeakTest {
    /// Whether nothing in particular was written.
    pub fn is_default(&self) -> bool {
        self == &Self::default()
    }
}
