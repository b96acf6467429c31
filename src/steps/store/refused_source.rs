//! `refused_source`: places that must not reach the store do not.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    Contract, Facts, Failure, Input, Measurement, Verdict,
    rollout::{RefusedSource as Source, Rollout},
};
use crate::ports::{Endpoint, Reachability};
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// How long a closed port is waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Tries the store's port from places that must not reach it.
pub struct RefusedSource(Settings);

/// What a `refused_source` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    endpoint: Input<String>,
}

impl Kind for RefusedSource {
    type Settings = Settings;
    const NAME: &'static str = "refused_source";
    const SUMMARY: &'static str = "proves that places which are not listed cannot reach the store";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for RefusedSource {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let from: Vec<String> = rollout.cache.refused_from.iter().map(ToString::to_string).collect();
        Diff::one(DiffAction::Read, format!("that the store cannot be reached from {}", from.join(", ")))
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let endpoint: Endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        let control = control(context, &endpoint).await;
        // A refusal proves something only while somebody is let in.
        let proves = control.verdict.passes();
        let mut measurements = vec![control];
        for source in &rollout.cache.refused_from {
            context.say(format!("trying {endpoint} from {source}"));
            let met = match source {
                Source::Operator => context.ports.targets.reach_from_here(&endpoint, CONNECT_TIMEOUT).await,
                Source::Host(host) => context.ports.targets.reader(host).reach(&endpoint, CONNECT_TIMEOUT).await,
            };
            measurements.push(judge(source, &endpoint, met, proves));
        }
        if rollout.cache.refused_from.is_empty() {
            let summary = "cache.refused_from names no place: nothing proves that the store is closed";
            measurements.push(measurement(
                Verdict::Inconclusive,
                endpoint.to_string(),
                summary,
                serde_json::Value::Null,
            ));
        }
        let hint = "an open place: look at who holds the groups the store admits, and at `migrate status`. A place that could not be tried: check `ssh` to it, or name another in cache.refused_from";
        Ok(Observation { facts: Facts::new(), failure: measure::failure_of(&measurements, hint), measurements })
    }
}

/// Staging must reach the store.
async fn control(context: &ReadContext<'_>, endpoint: &Endpoint) -> Measurement {
    let host = &context.rollout().staging.host;
    let (verdict, summary) = match context.ports.targets.reader(host).reach(endpoint, CONNECT_TIMEOUT).await {
        Ok(Reachability::Open) => (Verdict::Pass, format!("{endpoint} is open to staging")),
        Ok(met) => (
            Verdict::Inconclusive,
            format!("{endpoint} is not open to staging ({}): that others are refused proves nothing", word(met)),
        ),
        Err(failure) => (Verdict::Inconclusive, format!("staging could not try {endpoint}: {failure}")),
    };
    measurement(verdict, endpoint.to_string(), summary, serde_json::json!({ "from": "staging" }))
}

fn judge(source: &Source, endpoint: &Endpoint, met: Result<Reachability, Failure>, proves: bool) -> Measurement {
    let (verdict, summary) = match met {
        Ok(Reachability::Open) => (Verdict::Abort, format!("{endpoint} is open to {source}, which must not reach it")),
        Ok(met @ (Reachability::Refused | Reachability::TimedOut)) if proves => {
            (Verdict::Pass, format!("{endpoint} is closed to {source} ({})", word(met)))
        }
        Ok(met @ (Reachability::Refused | Reachability::TimedOut)) => (
            Verdict::Inconclusive,
            format!("{endpoint} gave {source} no answer ({}), but staging gets none either", word(met)),
        ),
        Ok(Reachability::NoRoute) => (
            Verdict::Inconclusive,
            format!("{source} has no route to {endpoint}, or cannot resolve its name: the group was never asked"),
        ),
        Err(failure) => (Verdict::Inconclusive, format!("{source} could not try {endpoint}: {failure}")),
    };
    measurement(verdict, endpoint.to_string(), summary, serde_json::json!({ "from": source.to_string() }))
}

fn word(met: Reachability) -> &'static str {
    match met {
        Reachability::Open => "open",
        Reachability::Refused => "refused",
        Reachability::TimedOut => "timed out",
        Reachability::NoRoute => "no route",
    }
}
