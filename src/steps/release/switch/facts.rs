//! What a switched target was to be, from the facts of the steps before.

use super::readings::Switched;
use crate::core::Failure;
use crate::steps::ReadContext;
use crate::steps::facts::BASELINE;
use crate::steps::release::contents::baseline_of;
use crate::steps::site::release_facts::{release, wanted_workers};
use crate::steps::targets::protected::facts::Protected;

/// How a target was before anything was done.
///
/// # Errors
/// When there is no baseline, or it has nothing about the target.
pub fn before_of(context: &ReadContext<'_>, target: &str) -> Result<Protected, Failure> {
    baseline_of(&BASELINE.required(context.facts)?, target)
}

/// What the target's service was to be.
///
/// # Errors
/// When a fact is missing.
pub fn switched(context: &ReadContext<'_>, target: &str) -> Result<Switched, Failure> {
    Ok(Switched {
        target: target.to_owned(),
        unit: context.rollout().application.unit.clone(),
        release: release(context.facts)?,
        workers: wanted_workers(context)?,
        before: before_of(context, target)?,
    })
}
