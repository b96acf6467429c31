//! The release of a production target, as the facts of earlier steps describe it.

use super::release_layout as layout;
use crate::core::{Facts, Failure};
use crate::ports::ReleaseName;
use crate::steps::ReadContext;
use crate::steps::facts::RELEASE_NAME;

/// The release of the target, as `release_package` named it; `None` when the journal was lost.
pub fn known_release(facts: &Facts) -> Option<ReleaseName> {
    RELEASE_NAME.known(facts)
}

/// The release of the target, for a step that requires one.
///
/// # Errors
/// When no earlier step has named it.
pub fn release(facts: &Facts) -> Result<ReleaseName, Failure> {
    Ok(RELEASE_NAME.required(facts)?)
}

/// The number of workers that a release must have.
///
/// # Errors
/// When phase 3's recommendation is not a number.
pub fn wanted_workers(context: &ReadContext<'_>) -> Result<u32, Failure> {
    Ok(layout::recommended_workers(context.facts)?.unwrap_or(context.rollout().application.workers))
}
