//! `side_by_side_comparison`: the copy against the original, under the same load, in turns.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rollout::Rollout;
use crate::core::{Contract, Facts, Failure, Measurement};
use crate::ports::LoadResult;
use crate::steps::measure::failure_of;
use crate::steps::watch::comparison::{Compared, judge, nothing};
use crate::steps::watch::turns::{Course, WarmUp, copy, original, original_again};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// The seed of the order of turns when the original is compared with itself.
const CONTROL_SEED: u64 = 1;
/// The seed of the order of turns when it is compared with the copy.
const COPY_SEED: u64 = 2;

/// Compares.
pub struct SideBySideComparison;

/// What a `side_by_side_comparison` step is told: nothing. How much load, for how long and what is good enough is the
/// site's, in rollout.yaml.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for SideBySideComparison {
    type Settings = Settings;
    const NAME: &'static str = "side_by_side_comparison";
    const SUMMARY: &'static str = "compares the copy with the original under load";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for SideBySideComparison {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let comparison = &rollout.comparison;
        let takes = comparison.round.get() * (4 * comparison.rounds + 2);
        Diff::one(
            DiffAction::Read,
            format!(
                "latencies and errors of {} users on ports {} and {} of staging, in turns, for {} min",
                comparison.users,
                rollout.application.port,
                rollout.staging.copy.port,
                takes.as_secs().div_ceil(60)
            ),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        if rollout.journeys.is_empty() {
            return Ok(concluded(nothing(rollout, "nothing was compared: rollout.yaml declares no `journeys`".into())));
        }
        let course = match Course::warm_up(context).await? {
            WarmUp::Ready(course) => course,
            WarmUp::Nothing(met_with) => return Ok(concluded(nothing(rollout, why_nothing(&met_with)))),
        };
        let itself = course.turns(&original(rollout), &original_again(rollout), CONTROL_SEED).await?;
        let copy = course.turns(&original(rollout), &copy(rollout), COPY_SEED).await?;
        let compared = Compared { itself, copy, journeys_per_second: course.journeys_per_second() };
        Ok(concluded(judge(&compared, rollout)))
    }
}

fn concluded(measured: Measurement) -> Observation {
    let measurements = vec![measured];
    let hint = "longer or more turns (`comparison` in rollout.yaml) make it surer; when the copy is too slow, look at \
                the session census first: large sessions cost most";
    Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements }
}

/// Why not a single journey went to its end on the original.
fn why_nothing(met_with: &LoadResult) -> String {
    let example = met_with.requests.iter().find_map(|(name, request)| {
        let (kind, tally) = request.errors.iter().next()?;
        Some(format!("`{name}`: {kind}: {}", tally.examples.first()?))
    });
    format!(
        "no journey went to its end on the original, so there is nothing to compare with: {}",
        example.unwrap_or_else(|| "one journey takes longer than a turn (`comparison.round`)".to_owned())
    )
}
