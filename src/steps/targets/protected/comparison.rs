//! Comparing every target with the recorded baseline, less what phase 4 has changed itself.

use super::facts;
use super::facts::{Baseline, Change, Protected};
use crate::core::{Facts, Failure, Measurement, Verdict};
use crate::ports::{DirectoryState, LiveTree};
use crate::steps::ReadContext;
use crate::steps::at_once::several_at_once;
use crate::steps::facts::ACTED_ON;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::release_layout;
use crate::steps::targets::list;
use crate::steps::targets::list::TargetEntry;

/// What a comparison found: one measurement a target.
pub struct Compared {
    /// How everything was.
    pub before: Baseline,
    /// For the record.
    pub measurements: Vec<Measurement>,
    changed: Vec<Change>,
}

impl Compared {
    /// What the findings amount to.
    pub fn failure(&self) -> Option<Failure> {
        if self.changed.is_empty() {
            return failure_of(
                &self.measurements,
                "a target was added after the baseline: `migrate rollback --to 0`, then run phase 1 again",
            );
        }
        Some(facts::changed(&self.changed))
    }

    /// Whether something protected has changed, which has an exit code of its own.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }
}

/// Compares all targets with the baseline, as `protected_baseline` wrote it.
///
/// # Errors
/// When the baseline or a target cannot be read.
pub async fn compare(context: &ReadContext<'_>, baseline: &str) -> Result<Compared, Failure> {
    let before: Baseline = serde_json::from_str(baseline).map_err(|error| {
        Failure::permanent(format!("the recorded baseline cannot be read: {error}"))
            .hint("`migrate rollback --to 0`, then run phase 1 again: it records a new one")
    })?;
    let after = facts::read(context).await?;
    let known = list::all(context.rollout()).into_iter().filter_map(|target| {
        let now = after.get(target.name.as_str())?;
        Some((target, now))
    });
    let compared = several_at_once(known, async |(target, now)| {
        let name = target.name.as_str();
        let Some(then) = before.get(name) else { return Ok::<_, Failure>((target, None)) };
        let all = facts::changes(name, then, now);
        let found = if is_acted_on(context.facts, name) {
            less_our_own(context, &target, then, all).await?
        } else {
            (all, format!("{name}: tree, unit and process are as recorded"))
        };
        Ok((target, Some(found)))
    });
    let (mut measurements, mut changed) = (Vec::new(), Vec::new());
    for compared in compared.await {
        let (target, found) = compared?;
        let name = target.name.as_str();
        let Some((changes, kept)) = found else {
            let summary = format!("{name} is not in the baseline, so a change cannot be detected");
            measurements.push(measurement(Verdict::Inconclusive, name, summary, serde_json::Value::Null));
            continue;
        };
        let data = serde_json::json!({ "changes": changes });
        let (verdict, summary) = if changes.is_empty() {
            (Verdict::Pass, kept)
        } else {
            let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
            (Verdict::Abort, words.join("\n"))
        };
        measurements.push(measurement(verdict, name, summary, data));
        changed.extend(changes);
    }
    Ok(Compared { before, measurements, changed })
}

/// Whether phase 4 has ever acted on a target, going forward or back.
fn is_acted_on(facts: &Facts, target: &str) -> bool {
    ACTED_ON.known(facts).is_some_and(|names| names.iter().any(|name| name == target))
}

/// The changes that phase 4 does not explain, and what to say when there are none.
///
/// Room for releases is a drop-in of the unit. A switch, there or back, is another process with another environment
/// (Gunicorn hands a successor its sockets in variables). While a release is in use, the original waits among the releases,
/// and is compared there. Command line and interpreter stay the same all the while.
async fn less_our_own(
    context: &ReadContext<'_>,
    target: &TargetEntry<'_>,
    then: &Protected,
    mut changes: Vec<Change>,
) -> Result<(Vec<Change>, String), Failure> {
    let rollout = context.rollout();
    let at = |failure| target.failed(failure);
    let reader = context.ports.targets.reader(target.host);
    let found = reader.releases(&release_layout::site(rollout)?).await.map_err(at)?;
    let has_room = found.room.may_hand_over || found.room.directory != DirectoryState::Missing;
    let mut explained = vec![facts::ENVIRONMENT, facts::START];
    explained.extend(has_room.then_some(facts::UNIT));
    let name = &target.name;
    let kept = match &found.live {
        LiveTree::Original => format!("{name}: as recorded, but for what phase 4 itself has done and taken back"),
        LiveTree::Release(release) => {
            let original = release_layout::waiting_original(rollout)?;
            let tree = reader.tree(&original, &rollout.application.volatile).await.map_err(at)?;
            explained.push(facts::TREE);
            changes.retain(|change| change.what != facts::TREE);
            if tree.digest != then.tree {
                changes.push(Change {
                    target: name.to_string(),
                    what: "the tree of the original, which a rollback needs,",
                    before: then.tree.short().to_owned(),
                    after: tree.digest.short().to_owned(),
                });
            }
            format!(
                "{name}: runs release {release}; the original that a rollback needs, command line and interpreter are as recorded"
            )
        }
        LiveTree::Foreign(what) => {
            changes.push(Change {
                target: name.to_string(),
                what: "what the live path names",
                before: rollout.application.directory.to_string(),
                after: what.clone(),
            });
            String::new()
        }
    };
    changes.retain(|change| !explained.contains(&change.what));
    Ok((changes, kept))
}
