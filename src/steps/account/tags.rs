//! The tags that say a thing is ours. Ownership is by rollout, not by run: a second run adopts what the first one made.

use crate::core::{RunId, rollout::Rollout};
use crate::ports::Tags;

/// Holds the rollout's name: whoever carries it is ours.
pub const ROLLOUT: &str = "migrate:rollout";
/// Holds the run that made it. For people; nothing is decided on it.
pub const RUN: &str = "migrate:run";

/// The tags of a thing made in a run.
pub fn of(rollout: &Rollout, run: &RunId) -> Tags {
    Tags::from([(ROLLOUT.to_owned(), rollout.name.to_string()), (RUN.to_owned(), run.to_string())])
}

/// Whether these are the tags of a thing of this rollout.
pub fn are_ours(tags: &Tags, rollout: &Rollout) -> bool {
    tags.get(ROLLOUT).is_some_and(|name| name == rollout.name.as_str())
}

/// Why the thing `what` is not ours, for `Presence::Foreign`.
pub fn whose(what: &str, tags: &Tags, rollout: &Rollout) -> String {
    match tags.get(ROLLOUT) {
        Some(other) => format!("{what} exists and belongs to the rollout `{other}`"),
        None => format!(
            "{what} exists without the tag {ROLLOUT}={}; it does not belong to this rollout: remove it, or rename this rollout",
            rollout.name
        ),
    }
}
