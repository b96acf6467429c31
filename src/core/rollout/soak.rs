//! How each production target is observed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Comparison, HumanDuration, Percent};

/// Observed time under gates. What is the default is not written down, so that plans from before it keep their digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Soak {
    /// How long each instance is observed.
    pub duration: HumanDuration,
    /// How long one look takes. What is seen in it is judged at its end.
    #[serde(default = "one_minute", skip_serializing_if = "is_one_minute")]
    pub window: HumanDuration,
    /// The longest that it may be on hold, without one good look in between, before it fails.
    #[serde(default = "half_an_hour", skip_serializing_if = "is_half_an_hour")]
    pub hold_at_most: HumanDuration,
    /// A window with fewer requests is quiet, and does not count.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub requests_per_window: u32,
    /// Fewer requests in the whole soak are not enough to judge.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub minimum_requests: u32,
    /// How much of the time that was looked at must have counted, in percent. Not 100: no gap could ever be made good.
    #[serde(default = "most", skip_serializing_if = "is_most")]
    #[schemars(range(min = 1, max = 99))]
    pub coverage: u32,
    /// The busiest hour of the soak must have had so many requests; not asked for when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub peak_hour_requests: Option<u32>,
    /// A few users of ours, who walk through the journeys on the target and beside it on another one, all the time.
    #[serde(default, skip_serializing_if = "Probe::is_default")]
    pub probe: Probe,
    /// How much longer answers may take than on the other target; without it `comparison.slower`. Beyond it is Hold. Other
    /// machines may be slower by nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slower: Option<Percent>,
    /// How much longer is reason to go back; without it `comparison.far_slower`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far_slower: Option<Percent>,
    /// The largest share of our users' requests that may fail; without it `comparison.error_ceiling`. Beyond it is Abort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_ceiling: Option<Percent>,
}

/// How much we ask of production ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// How many journeys begin a minute, on each of the two targets. Keep it small: these are answers that users wait for
    /// meanwhile.
    #[schemars(range(min = 1, max = 600))]
    pub journeys_per_minute: u32,
    /// How many users walk them, each with cookies of its own.
    #[schemars(range(min = 1, max = 100))]
    pub users: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self { journeys_per_minute: 4, users: 2 }
    }
}

impl Probe {
    /// Whether nothing in particular was written.
    pub fn is_default(&self) -> bool {
        self == &Self::default()
    }
}

fn one_minute() -> HumanDuration {
    Duration::from_secs(60).into()
}

fn is_one_minute(window: &HumanDuration) -> bool {
    *window == one_minute()
}

fn half_an_hour() -> HumanDuration {
    Duration::from_secs(1_800).into()
}

fn is_half_an_hour(hold: &HumanDuration) -> bool {
    *hold == half_an_hour()
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(count: &u32) -> bool {
    *count == one()
}

fn most() -> u32 {
    90
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_most(percent: &u32) -> bool {
    *percent == most()
}

impl Soak {
    /// How long each instance is observed, in whole seconds: at least one.
    pub fn seconds(&self) -> u64 {
        whole_seconds(self.duration.get())
    }

    /// How many looks the soak has when every one counts.
    pub fn windows(&self) -> u64 {
        self.seconds().div_ceil(self.window_length().as_secs().max(1))
    }

    /// How many times as long answers may take as on the other target, and how many times is reason to go back.
    pub fn slower_limits(&self, comparison: &Comparison) -> (f64, f64) {
        let limit = |own: Option<Percent>, usual: Percent| 1.0 + own.unwrap_or(usual).share();
        (limit(self.slower, comparison.slower), limit(self.far_slower, comparison.far_slower))
    }

    /// The largest share of our users' requests that may fail.
    pub fn ceiling(&self, comparison: &Comparison) -> Percent {
        self.error_ceiling.unwrap_or(comparison.error_ceiling)
    }

    /// How long one look takes: a whole number of seconds, at least one, and no longer than the soak.
    pub fn window_length(&self) -> Duration {
        Duration::from_secs(whole_seconds(self.window.get()).min(self.seconds()))
    }
}

/// Begun seconds count: less would be observed otherwise.
fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}
