//! `switched_processes`: that a switched service's processes are those of the release, as many as wanted, and no others. It
//! guards the switch: what it finds wrong is taken back at once.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::facts::switched;
use crate::core::rollout::Rollout;
use crate::core::{Contract, Facts, Failure};
use crate::steps::measure::failure_of;
use crate::steps::site::release_layout as layout;
use crate::steps::targets::named;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// How long the processes are read again. A worker that ends by itself and is started again is missing for as long as the
/// application takes to start.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to wait between two reads.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Judges the processes.
pub struct SwitchedProcesses(Settings);

/// What a `switched_processes` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is set by itself.
    target: String,
}

impl Kind for SwitchedProcesses {
    type Settings = Settings;
    const NAME: &'static str = "switched_processes";
    const SUMMARY: &'static str =
        "counts a switched service's processes, and looks since when and in which tree they run";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for SwitchedProcesses {
    fn plan(&self, _: &Rollout) -> Diff {
        Diff::one(DiffAction::Read, format!("the processes on {}: all in the release, none from before", self.0.target))
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let (clock, site) = (&*context.ports.clock, layout::site(context.rollout())?);
        let switched = switched(context, &self.0.target)?;
        let reader = named::reader(context, &self.0.target)?;
        let began = clock.elapsed();
        loop {
            let measurements = switched.processes(&reader.releases(&site).await?);
            let is_good = measurements.iter().all(|measurement| measurement.verdict.passes());
            if is_good || clock.elapsed().saturating_sub(began) >= CHECK_TIMEOUT {
                let hint = "the service's error log on the target says more; `migrate log` says what was undone";
                let failure = failure_of(&measurements, hint);
                return Ok(Observation { facts: Facts::new(), failure, measurements });
            }
            clock.sleep(POLL_INTERVAL).await;
        }
    }
}
