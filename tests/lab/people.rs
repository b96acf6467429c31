//! People in front of the load balancer: another program than ours, which sees every answer.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::fixture::{Lab, Said, command, signal};

/// So many of them, until they are asked what they have seen.
pub struct People {
    users: Child,
    count: u64,
}

impl People {
    /// Lets fifty in.
    pub fn in_front_of(lab: &Lab) -> Self {
        Self::of_number(50, lab)
    }

    /// Lets so many in.
    pub fn of_number(count: u64, lab: &Lab) -> Self {
        let mut users = command();
        users.args(["users", "--count", &count.to_string(), "--dir"]).arg(lab.path());
        Self { users: users.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), count }
    }

    /// Nobody was refused, lost a session, or was taken for somebody else; both instances had users.
    #[track_caller]
    pub fn have_noticed_nothing(self, when: &str) {
        signal(&self.users, "TERM");
        let said = Said::from(self.users.wait_with_output().unwrap());
        let seen: Value = said.json();
        assert_eq!((&seen["failed"], seen["lost"].as_array().map(Vec::len)), (&0.into(), Some(0)), "{when}: {said:?}");
        assert_eq!(seen["places"], serde_json::json!(["production-1", "production-2"]), "{when}: {said:?}");
        assert!(seen["users"] == self.count && seen["requests"].as_u64() > Some(10 * self.count), "{when}: {said:?}");
    }
}
