//! `effective_settings`: what the copy makes of its variables, asked of every worker after users have been through the
//! declared journeys. An environment shows what a process was given; only the process can say what it goes by.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::environment;
use crate::core::rollout::{Rollout, STAGING};
use crate::core::{Contract, Facts, Failure, Verdict};
use crate::steps::measure;
use crate::steps::measure::measurement;
use crate::steps::site::copy_access::Trial;
use crate::steps::site::settings_in_force as judged;
use crate::steps::site::settings_in_force::Running;
use crate::steps::site::{copy_layout, journey_walk};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// Asks the copy.
pub struct EffectiveSettings;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for EffectiveSettings {
    type Settings = Settings;
    const NAME: &'static str = "effective_settings";
    const SUMMARY: &'static str =
        "checks in every worker of the copy which settings are in force, and which no code reads";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for EffectiveSettings {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let what = format!("which settings are in force in the workers on port {}", rollout.staging.copy.port);
        Diff::one(DiffAction::Read, what)
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let trial = Trial::of(context).await?;
        // What is read only while a request is answered has to have been asked for before it counts as unread.
        let mut measurements = vec![journey_walk::by_two_users(context, &trial, journey_walk::ON_THE_COPY).await?];
        let pid_file = copy_layout::below(rollout, copy_layout::PID_FILE)?;
        let reader = context.ports.targets.reader(&rollout.staging.host);
        match reader.detached(&rollout.staging.copy.directory, &pid_file, &[]).await? {
            Some(copy) => {
                let variables = environment::known(rollout, context.facts)?;
                measurements.extend(judged::ask(&trial, 1, &Running::copy(&copy), &variables).await?);
            }
            None => {
                let summary = "the copy does not run";
                measurements.push(measurement(Verdict::Abort, STAGING, summary, serde_json::Value::Null));
            }
        }
        let hint = "correct staging.copy.environment in rollout.yaml or phases/, then `migrate rollback --to 1` and the \
                    phase again";
        Ok(Observation { facts: Facts::new(), failure: measure::failure_of(&measurements, hint), measurements })
    }
}
