//! `protected_unchanged`: nothing that must not change has changed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure::measurement, protected};
use crate::core::{Contract, Facts, Failure, Input, Verdict, rollout::Rollout};

/// Compares with the recorded baseline.
pub struct ProtectedUnchanged(Settings);

/// What a `protected_unchanged` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The baseline, as `protected_baseline` recorded it.
    baseline: Input<String>,
}

impl Kind for ProtectedUnchanged {
    type Settings = Settings;
    const NAME: &'static str = "protected_unchanged";
    const SUMMARY: &'static str = "compares trees, units and processes with the recorded baseline";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for ProtectedUnchanged {
    fn plan(&self, _: &Rollout) -> Diff {
        Diff::one(DiffAction::Read, "that nothing protected has changed since the baseline")
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let text = self.0.baseline.text(context.facts)?;
        let before: protected::Baseline = serde_json::from_str(&text).map_err(|error| {
            Failure::permanent(format!("the recorded baseline cannot be read: {error}"))
                .hint("`migrate rollback --to 0`, then run phase 1 again: it records a new one")
        })?;
        let after = protected::read(context).await?;
        let mut measurements = Vec::new();
        let mut changed = Vec::new();
        for (name, now) in &after {
            let Some(then) = before.get(name) else {
                let summary = format!("{name} is not in the baseline, so nobody can say whether it changed");
                measurements.push(measurement(Verdict::Inconclusive, name, summary, serde_json::Value::Null));
                continue;
            };
            let changes = protected::changes(name, then, now);
            let data = serde_json::json!({ "changes": changes });
            let (verdict, summary) = if changes.is_empty() {
                (Verdict::Pass, format!("{name}: tree, unit and process are as recorded"))
            } else {
                let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
                (Verdict::Abort, words.join("\n"))
            };
            measurements.push(measurement(verdict, name, summary, data));
            changed.extend(changes);
        }
        Ok(Observation { facts: Facts::new(), failure: failure(&changed, &measurements), measurements })
    }
}

/// What the findings amount to.
fn failure(changed: &[protected::Change], measurements: &[crate::core::Measurement]) -> Option<Failure> {
    if changed.is_empty() {
        return super::measure::failure_of(
            measurements,
            "a target was added after the baseline: `migrate rollback --to 0`, then run phase 1 again",
        );
    }
    Some(protected::changed(changed))
}
