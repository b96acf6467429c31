//! Staging and the production targets, as one list.

use crate::core::TargetName;
use crate::core::rollout::{InstanceSelector, Rollout, SshHost};

/// A place the application runs, with what it takes to look at it.
pub struct TargetEntry<'a> {
    /// What it is called.
    pub name: TargetName,
    /// How it is reached.
    pub host: &'a SshHost,
    /// Which instance it is.
    pub instance: &'a InstanceSelector,
    /// Whether it is staging.
    pub is_staging: bool,
}

/// Staging first, then production in its declared order.
pub fn all(rollout: &Rollout) -> Vec<TargetEntry<'_>> {
    let staging = TargetEntry {
        name: TargetName::staging(),
        host: &rollout.staging.host,
        instance: &rollout.staging.instance,
        is_staging: true,
    };
    let production = rollout.production.targets.iter().map(|target| TargetEntry {
        name: TargetName::new(target.name.as_str()),
        host: &target.host,
        instance: &target.instance,
        is_staging: false,
    });
    std::iter::once(staging).chain(production).collect()
}
