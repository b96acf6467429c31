//! `worker_recommendation`: how many workers, and why not more.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::results::RampResults;
use crate::core::rollout::Rollout;
use crate::core::{Contract, Facts, Failure};
use crate::evidence::{KneeLimits, WorkerRun, knee};
use crate::steps::facts::RECOMMENDED_WORKERS;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// Recommends.
pub struct WorkerRecommendation;

/// What a `worker_recommendation` step is told: nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for WorkerRecommendation {
    type Settings = Settings;
    const NAME: &'static str = "worker_recommendation";
    const SUMMARY: &'static str = "finds the count after which a further worker gains too little";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[RECOMMENDED_WORKERS.name()];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for WorkerRecommendation {
    fn plan(&self, _: &Rollout) -> Diff {
        Diff::one(DiffAction::Read, "what the ramp measured: how many workers are worth their memory")
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let results = RampResults::of(context.facts)?;
        // Not good is not recommended, however fast it is.
        let good = results.counts.iter().filter(|count| count.verdict.passes());
        let runs: Vec<WorkerRun> = good.clone().map(|count| count.run.clone()).collect();
        let room = good.map(|count| count.room_bytes).min().unwrap_or(0);
        let limits = KneeLimits { error_ceiling: rollout.load.error_ceiling.share(), ..KneeLimits::within(room) };
        let found = knee(&runs, &limits);
        let mut words = found.reason.clone();
        if let (Some(_), Some(stopped)) = (found.recommended, &results.stopped) {
            words.extend([format!("; the ramp had ended at {stopped}")]);
        }
        let data = json!({ "knee": found, "limits": limits });
        let measurements = vec![measurement(found.verdict, copy_access::resource(rollout), words, data)];
        let facts =
            found.recommended.map_or_else(Facts::new, |count| Facts::new().with_fact(RECOMMENDED_WORKERS, count));
        let hint =
            "a longer load (`load.duration` in rollout.yaml) makes it surer; other counts are in `worker_counts`";
        Ok(Observation { facts, failure: failure_of(&measurements, hint), measurements })
    }
}
