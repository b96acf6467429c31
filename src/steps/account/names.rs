//! What the things we create are called. Deterministic, because after a lost reply or a lost journal the name is how
//! they are found again.

use crate::core::rollout::Rollout;

/// The cache subnet group.
pub fn subnet_group(rollout: &Rollout) -> String {
    format!("{}-subnets", rollout.name)
}

/// The security group.
pub fn security_group(rollout: &Rollout) -> String {
    format!("{}-cache", rollout.name)
}

/// The replication group's id.
pub fn replication_group(rollout: &Rollout) -> String {
    rollout.name.to_string()
}
