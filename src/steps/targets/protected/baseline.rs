//! `protected_baseline`: how everything was before anything was done.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::facts;
use crate::core::rollout::{Rollout, STAGING};
use crate::core::{Contract, Document, Facts, Failure, Verdict};
use crate::steps::facts::BASELINE;
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// Records what must stay the same until phase 4.
pub struct ProtectedBaseline;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for ProtectedBaseline {
    type Settings = Settings;
    const NAME: &'static str = "protected_baseline";
    const SUMMARY: &'static str = "records the trees, units and processes that must not change";
    const CONTRACT: Contract = Contract::Observe;
    const PROVIDES: &'static [&'static str] = &[BASELINE.name()];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for ProtectedBaseline {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let names: Vec<String> = rollout.target_names().iter().map(ToString::to_string).collect();
        Diff::one(DiffAction::Read, format!("tree, unit and process of the application on {}", names.join(", ")))
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let unit = &context.rollout().application.unit;
        let baseline = facts::read(context).await?;
        let stopped: Vec<&str> = baseline
            .iter()
            .filter(|(_, target)| target.started_ticks.is_none() || target.unit.is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        // A baseline of a service that does not run would make its start look like a change, and its absence normal.
        if !stopped.is_empty() {
            return Err(Failure::permanent(format!(
                "{unit} does not run on {}: there is no baseline to record",
                stopped.join(", ")
            ))
            .hint(format!("start it there (`systemctl start {unit}`), then run the phase again")));
        }
        // Walked again, it must not make what was changed meanwhile the new normal.
        if let Some(Ok(before)) = BASELINE.known(context.facts).map(|known| known.read::<facts::Baseline>()) {
            let changes: Vec<facts::Change> = baseline
                .iter()
                .filter_map(|(name, now)| before.get(name).map(|then| facts::changes(name, then, now)))
                .flatten()
                .collect();
            if !changes.is_empty() {
                return Err(facts::changed(&changes));
            }
        }
        let unwritable = |error| Failure::permanent(format!("the baseline cannot be written as JSON: {error}"));
        let json = serde_json::to_value(&baseline).map_err(unwritable)?;
        let document = Document::of(&baseline).map_err(unwritable)?;
        let staging = baseline.get(STAGING).map(|staging| staging.tree.clone());
        let measurements = baseline
            .iter()
            .map(|(name, target)| {
                // Said now, because it takes a deployment or a new plan, and phase 4 is days away.
                let other = staging.as_ref().filter(|staging| **staging != target.tree).map_or(
                    "",
                    |_| "; this is not the code of staging, and phase 4 will hold unless rollout.yaml accepts that",
                );
                if !other.is_empty() {
                    context.say(format!("{name}{other}"));
                }
                let summary = format!(
                    "{name}: tree {}, started {} ticks after boot{other}",
                    target.tree.short(),
                    target.started_ticks.unwrap_or_default()
                );
                measurement(Verdict::Pass, name, summary, json.get(name).cloned().unwrap_or_default())
            })
            .collect();
        Ok(Observation { facts: Facts::new().with_fact(BASELINE, document), measurements, failure: None })
    }
}
