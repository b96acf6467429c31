//! `production_entry_gate`: whether production is as it was, runs what was tested, and stays as it is while it is changed.
//! All of it is judged at once. That phases 1 to 3 have passed, on fresh evidence, that somebody has approved phase 4 and
//! that the hour is right, is asked by the engine before this, and again before each change.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::conditions;
use crate::core::rollout::Rollout;
use crate::core::{Contract, Facts, Failure, FailureClass, Input, Statement};
use crate::steps::measure::failure_of;
use crate::steps::targets::protected::comparison;
use crate::steps::targets::{auto_scaling, group_inspection as target_group, site_differences};
use crate::steps::{Diff, DiffAction, DiffLine, Kind, Observation, Observe, ReadContext, Step};

/// Judges everything that is to be known before production is changed.
pub struct ProductionEntryGate(Settings);

/// What a `production_entry_gate` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The baseline, as `protected_baseline` recorded it.
    baseline: Input<String>,
}

impl Kind for ProductionEntryGate {
    type Settings = Settings;
    const NAME: &'static str = "production_entry_gate";
    const SUMMARY: &'static str =
        "judges whether production is as it was, runs what was tested, and can be changed now";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for ProductionEntryGate {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let window = match &rollout.production.change_window {
            None => "any hour".to_owned(),
            Some(window) => format!("{} to {} UTC, the change window", window.from, window.to),
        };
        let lines = [
            "that nothing protected has changed since the baseline".to_owned(),
            "that production runs the code and packages of staging".to_owned(),
            "who is registered, whether users stay on one target, whether auto scaling may replace one".to_owned(),
            format!("that it is {window}"),
        ];
        let lines = lines.into_iter().map(|what| DiffLine { action: DiffAction::Read, what }).collect();
        Diff { lines, monthly_usd: None }
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        let mut statements = target_group::reads(rollout);
        statements.push(target_group::instance_reads());
        statements.extend(auto_scaling::reads(rollout));
        statements
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let compared = comparison::compare(context, &self.0.baseline.text(context.facts)?).await?;
        let changed = compared.failure().filter(|_| compared.has_changes());
        let mut measurements = compared.measurements;
        measurements.extend(site_differences::code(context, &compared.before).await?);
        measurements.extend(site_differences::packages(context).await?);
        let registered = target_group::inspect(context).await?;
        let group = registered.group.as_ref().map(|(name, group)| (name.as_str(), group));
        // Without a group that ought to be there nobody can say whether it is sticky: that it is missing is said already.
        if group.is_some() || registered.is_without_balancer {
            measurements.push(conditions::stickiness(context, group));
        }
        measurements.push(registered.measurement);
        measurements.extend(conditions::listening(context).await?);
        measurements.push(conditions::bridge(context));
        measurements.extend(auto_scaling::inspect(context).await?);
        measurements.push(conditions::change_window(context));
        let hint = "do what each line says, then `migrate phase 4` again; nothing was changed. A change of rollout.yaml \
                    makes another plan: `migrate replan --reason WHY`, and the phases before it again";
        let failure = failure_of(&measurements, hint).map(|all| match changed {
            // That something protected has changed has an exit code of its own, whatever else there is.
            Some(changed) => Failure { class: FailureClass::ProtectedChanged, hint: changed.hint, ..all },
            None => all,
        });
        Ok(Observation { facts: Facts::new(), failure, measurements })
    }
}
