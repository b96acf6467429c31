//! Visitors in front of the load balancer: a load generator that is not ours and sees every response.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::fixture::{Lab, command};
use crate::said::{Said, signal};

/// Visitors that use the application until they are asked what they have seen.
pub struct Visitors {
    users: Child,
    count: u64,
}

impl Visitors {
    /// Fifty visitors.
    pub fn in_front_of(lab: &Lab) -> Self {
        Self::of_number(50, lab)
    }

    /// This number of visitors.
    pub fn of_number(count: u64, lab: &Lab) -> Self {
        let mut users = command();
        users.args(["users", "--count", &count.to_string(), "--dir"]).arg(lab.path());
        Self { users: users.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), count }
    }

    /// No request failed, no session was lost or belonged to another user, and both instances had users.
    #[track_caller]
    pub fn have_noticed_nothing(self) {
        signal(&self.users, "TERM");
        let said = Said::from(self.users.wait_with_output().unwrap());
        let seen: Value = said.json();
        assert_eq!((&seen["failed"], seen["lost"].as_array().map(Vec::len)), (&0.into(), Some(0)), "{said:?}");
        assert_eq!(seen["places"], serde_json::json!(["production-1", "production-2"]), "{said:?}");
        assert!(seen["users"] == self.count && seen["requests"].as_u64() > Some(10 * self.count), "{said:?}");
    }
}
