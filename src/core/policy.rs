//! IAM actions a step needs, so that the minimal policy can be printed and simulated.

use serde::{Deserialize, Serialize};

/// Actions on resources, as one statement of an IAM policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Statement {
    /// What it is for; becomes the statement's Sid.
    pub purpose: String,
    /// `service:Action` names.
    pub actions: Vec<String>,
    /// ARNs, or `*` where the action knows no resource-level permission.
    pub resources: Vec<String>,
}

/// What a simulation or a dry run says about one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// It would be allowed.
    Allowed,
    /// Nobody could tell: the simulation itself was refused, or does not know the action.
    Unknown,
    /// It would be denied.
    Denied,
}
