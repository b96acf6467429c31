//! `protected_unchanged`: nothing that must not change has changed.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::comparison;
use crate::core::{Contract, Facts, Failure, Input, rollout::Rollout};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

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
        let compared = comparison::compare(context, &self.0.baseline.text(context.facts)?).await?;
        let failure = compared.failure();
        Ok(Observation { facts: Facts::new(), failure, measurements: compared.measurements })
    }
}
