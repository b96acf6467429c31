//! What a switched target was to be, from the facts of the steps before.

use super::protected::{self, Protected};
use super::release_contents::baseline_of;
use super::switch_readings::Switched;
use super::{ReadContext, release_layout as layout};
use crate::core::{FactName, FactValue, Facts, Failure, MissingFact};
use crate::ports::ReleaseName;

/// The release that the target has, as `release_package` named it; `None` when the journal was lost.
pub fn known_release(facts: &Facts) -> Option<ReleaseName> {
    let FactValue::Text(name) = facts.get(&FactName::new(layout::NAME))? else { return None };
    ReleaseName::parse(name).ok()
}

/// The same, for a step that cannot do without.
///
/// # Errors
/// When no step has named it.
pub fn release(facts: &Facts) -> Result<ReleaseName, Failure> {
    known_release(facts).ok_or_else(|| MissingFact(FactName::new(layout::NAME)).into())
}

/// How a target was before anything was done.
///
/// # Errors
/// When there is no baseline, or it has nothing about the target.
pub fn before_of(context: &ReadContext<'_>, target: &str) -> Result<Protected, Failure> {
    let name = FactName::new(protected::BASELINE);
    match context.facts.get(&name) {
        Some(FactValue::Text(text)) => baseline_of(text, target),
        _ => Err(MissingFact(name).into()),
    }
}

/// How many workers a release is to have.
///
/// # Errors
/// When phase 3's recommendation is no number.
pub fn wanted_workers(context: &ReadContext<'_>) -> Result<u32, Failure> {
    Ok(layout::recommended_workers(context.facts)?.unwrap_or(context.rollout().application.workers))
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
