//! Staging and the production targets, as one list.

use std::sync::Arc;

use crate::core::rollout::{InstanceSelector, Rollout, SshHost};
use crate::core::{Failure, TargetName};
use crate::ports::TargetRead;
use crate::steps::ReadContext;

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

impl TargetEntry<'_> {
    /// What failed there, with its name before it.
    pub fn failed(&self, failure: Failure) -> Failure {
        Failure { message: format!("{}: {}", self.name, failure.message), ..failure }
    }
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

/// Production alone, in its declared order.
pub fn production(rollout: &Rollout) -> Vec<TargetEntry<'_>> {
    all(rollout).into_iter().filter(|target| !target.is_staging).collect()
}

/// A handle to look at staging.
pub fn staging(context: &ReadContext<'_>) -> Arc<dyn TargetRead> {
    context.ports.targets.reader(&context.rollout().staging.host)
}
