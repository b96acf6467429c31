//! The release of a production target, as the facts of earlier steps describe it.

use super::release_layout as layout;
use crate::core::{FactName, FactValue, Facts, Failure, MissingFact};
use crate::ports::ReleaseName;
use crate::steps::ReadContext;

/// The release of the target, as `release_package` named it; `None` when the journal was lost.
pub fn known_release(facts: &Facts) -> Option<ReleaseName> {
    let FactValue::Text(name) = facts.get(&FactName::new(layout::NAME))? else { return None };
    ReleaseName::parse(name).ok()
}

/// The release of the target, for a step that requires one.
///
/// # Errors
/// When no earlier step has named it.
pub fn release(facts: &Facts) -> Result<ReleaseName, Failure> {
    known_release(facts).ok_or_else(|| MissingFact(FactName::new(layout::NAME)).into())
}

/// The number of workers that a release must have.
///
/// # Errors
/// When phase 3's recommendation is not a number.
pub fn wanted_workers(context: &ReadContext<'_>) -> Result<u32, Failure> {
    Ok(layout::recommended_workers(context.facts)?.unwrap_or(context.rollout().application.workers))
}
