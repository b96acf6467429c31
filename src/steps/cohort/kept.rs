//! The synthetic users where they are kept: on the target.

use super::members::Cohort;
use super::{Replayed, file};
use crate::core::rollout::{ProductionTarget, Rollout};
use crate::core::{Failure, Secret};
use crate::steps::ReadContext;
use crate::steps::production_target;
use crate::steps::site::copy_access::Trial;
use crate::steps::site::release_layout;

/// The maximum number of users that ask one instance at the same time.
const MAX_CONCURRENT_USERS: u32 = 8;

/// As many of them at a time as the instance has workers for, so that others are not held up.
pub fn at_once(rollout: &Rollout) -> usize {
    usize::try_from(rollout.application.workers.clamp(1, MAX_CONCURRENT_USERS)).unwrap_or(1)
}

/// The users that are kept on a target; `None` when none are.
///
/// # Errors
/// When the target cannot be asked, or the file cannot be read.
pub async fn kept_on(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<Option<Cohort>, Failure> {
    let place = release_layout::releases(context.rollout())?;
    let reader = context.ports.targets.reader(&target.host);
    let found = reader.files(&place.directory, &[release_layout::COHORT.to_owned()]).await?;
    if found.into_iter().flatten().next().is_none() {
        return Ok(None);
    }
    let text = reader.private_file(&place.directory, release_layout::COHORT).await?;
    let where_it_is = format!("{}/{} on {}", place.directory, release_layout::COHORT, target.name);
    file::read(&text, &where_it_is).map(Some)
}

/// As it is kept.
///
/// # Errors
/// When it cannot be written down.
pub fn to_file(cohort: &Cohort) -> Result<Secret, Failure> {
    file::write(cohort)
}

/// Asks the users of a target whether anything has changed for them, whatever serves there now. Each comes over a
/// connection of its own, with the cookies of the beginning. Works from the file on the target alone.
///
/// # Errors
/// When the target or its file cannot be reached. Users who get no answer are no error: they are among the findings.
pub async fn replay(context: &ReadContext<'_>, target: &str) -> Result<Replayed, Failure> {
    let target = production_target::find(context.rollout(), target)?;
    match kept_on(context, target).await? {
        Some(cohort) => super::replay::all(context, target, &cohort).await,
        None => Ok(Replayed::nobody()),
    }
}

/// The same, of a release on trial: it has a port of its own and serves nobody else yet.
///
/// # Errors
/// As [`replay`].
pub async fn replay_on_trial(
    context: &ReadContext<'_>,
    target: &ProductionTarget,
    trial: &Trial<'_>,
) -> Result<Replayed, Failure> {
    match kept_on(context, target).await? {
        Some(cohort) => super::replay::at(context, trial.site(), Some(trial), &cohort).await,
        None => Ok(Replayed::nobody()),
    }
}
