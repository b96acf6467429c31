//! The synthetic users that were opened before the change, asked again during the soak.

use crate::core::rollout::ProductionTarget;
use crate::core::{Failure, Measurement};
use crate::steps::{ReadContext, cohort};

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
    if !cohort::is_planned(context.plan) {
        return Ok(Asked { seen: None, requests: 0 });
    }
    let name = target.name.as_str();
    let replayed = cohort::replay(context, name).await?;
    Ok(Asked { seen: Some(replayed.measurement(name)), requests: replayed.requests })
}
