//! The target that a step was told by name: how it is looked at, and whether it may be written on now.

use std::sync::Arc;

use super::list;
use crate::core::Failure;
use crate::core::rollout::{STAGING, SshHost};
use crate::ports::{TargetRead, TargetWrite, WritableTarget, WriteFailure};
use crate::steps::{ReadContext, WriteContext};

/// How a target is reached.
///
/// # Errors
/// When there is none of that name.
pub fn host<'a>(context: &'a ReadContext<'_>, name: &str) -> Result<&'a SshHost, Failure> {
    let targets = list::all(context.rollout());
    targets.iter().find(|target| target.name.as_str() == name).map(|target| target.host).ok_or_else(|| {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        Failure::permanent(format!("there is no target `{name}`"))
            .hint(format!("set `target:` of this step in phases/ to one of {}", names.join(", ")))
    })
}

/// A handle to look at it.
///
/// # Errors
/// As [`host`].
pub fn reader(context: &ReadContext<'_>, name: &str) -> Result<Arc<dyn TargetRead>, Failure> {
    Ok(context.ports.targets.reader(host(context, name)?))
}

/// The right to write on it. For production the context has to bring it: it cannot be made here.
///
/// # Errors
/// Clean, when it is production and this is not phase 4.
pub fn writable(context: &WriteContext<'_>, name: &str) -> Result<WritableTarget, WriteFailure> {
    if name == STAGING {
        return Ok(WritableTarget::staging(context.read.rollout()));
    }
    let held = context.production.iter().find(|target| target.name().as_str() == name);
    held.cloned().ok_or_else(|| {
        WriteFailure::clean(
            Failure::permanent(format!("{name} must not be written on now"))
                .hint("production is changed only in phase 4: move this step to phases/4-production.yaml"),
        )
    })
}

/// A handle to change it.
///
/// # Errors
/// As [`writable`].
pub fn writer(context: &WriteContext<'_>, name: &str) -> Result<Arc<dyn TargetWrite>, WriteFailure> {
    Ok(context.ports.targets.writer(&writable(context, name)?))
}
