//! The synthetic users that were opened before the change, asked again during the soak.

use super::session_cohort::SessionCohort;
use super::{Kind, ReadContext, cohort};
use crate::core::rollout::ProductionTarget;
use crate::core::{Failure, Measurement};

/// What was found, and what it took.
pub struct Asked {
    /// Whether they are still who they were; `None` when these phases open none.
    pub seen: Option<Measurement>,
    /// How many requests were made: the session bridge counts them with users' own.
    pub requests: u64,
}

/// Whether they are still who they were, on this target.
///
/// # Errors
/// When they could not be asked.
pub async fn cohort_kept(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<Asked, Failure> {
    if !context.plan.steps().iter().any(|step| step.kind.as_str() == SessionCohort::NAME) {
        return Ok(Asked { seen: None, requests: 0 });
    }
    let name = target.name.as_str();
    let replayed = cohort::replay(context, name).await?;
    Ok(Asked { seen: Some(replayed.measurement(name)), requests: replayed.requests })
}
