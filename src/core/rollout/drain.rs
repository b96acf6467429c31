//! Switching a target while no user is sent to it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::HumanDuration;

/// Each target leaves the target group before it is switched and comes back after it. The users whose sessions only it
/// has are logged out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drain {
    /// How long a target may take to leave, and again to be judged healthy when it is back. Longer than the target group's
    /// deregistration delay, which is 300 s unless somebody has changed it.
    #[serde(default = "ten_minutes", skip_serializing_if = "is_ten_minutes")]
    pub at_most: HumanDuration,
}

fn ten_minutes() -> HumanDuration {
    Duration::from_secs(600).into()
}

/// What is the default is not written down, so that plans with and without it have the same digest.
fn is_ten_minutes(at_most: &HumanDuration) -> bool {
    *at_most == ten_minutes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_not_written_down() {
        for text in ["{}", r#"{"at_most":"10m"}"#] {
            let drain: Drain = serde_json::from_str(text).unwrap();
            assert_eq!((drain.at_most.get().as_secs(), serde_json::to_string(&drain).unwrap()), (600, "{}".to_owned()));
        }
        let drain: Drain = serde_json::from_str(r#"{"at_most":"15m"}"#).unwrap();
        assert_eq!(serde_json::to_string(&drain).unwrap(), r#"{"at_most":"15m"}"#);
    }
}
