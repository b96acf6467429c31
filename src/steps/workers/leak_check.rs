//! `memory_leak_test`: how fast the workers' memory grows under load, against what the host has left.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::count::REQUEST_TIMEOUT;
use crate::core::rollout::Rollout;
use crate::core::{ChecklistItem, Contract, Facts, Failure, Measurement, Verdict};
use crate::evidence::{LeakLimits, judge_leak};
use crate::ports::LoadPlan;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access;
use crate::steps::watch::under_load::{UnderLoad, limits, under_load};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// Headroom that lasts no longer than this is a reason to roll back.
const URGENT_HEADROOM: Duration = Duration::from_secs(4 * 3_600);
/// The load lasts a little longer than it has to: samples come a little late.
const LOAD_MARGIN: Duration = Duration::from_secs(5);
/// Its moments are others than those of the ramp.
const LEAK_CHECK_SEED: u64 = 1_000;

/// Looks for leaks.
pub struct MemoryLeakTest;

/// What a `memory_leak_test` step is told: nothing. How long and how much is the site's, in rollout.yaml (`leak`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for MemoryLeakTest {
    type Settings = Settings;
    const NAME: &'static str = "memory_leak_test";
    const SUMMARY: &'static str = "judges how fast the workers' memory grows under load";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

/// How long the load has to last.
fn lasts(rollout: &Rollout) -> Duration {
    let leak = &rollout.leak;
    leak.warm_up.get() + leak.minimum_time.get().mul_f64(1.05) + LOAD_MARGIN
}

#[async_trait]
impl Observe for MemoryLeakTest {
    fn plan(&self, rollout: &Rollout) -> Diff {
        Diff::one(
            DiffAction::Read,
            format!(
                "the memory of the copy's workers under {} users, for {} min",
                rollout.load.users,
                lasts(rollout).as_secs().div_ceil(60)
            ),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        if rollout.journeys.is_empty() {
            let words = "nothing was watched: rollout.yaml declares no `journeys`";
            let nothing = measurement(Verdict::Inconclusive, copy_access::resource(rollout), words, json!({}));
            return Ok(concluded(nothing));
        }
        let load = &rollout.load;
        let plan = LoadPlan {
            ramp: load.ramp_up(),
            seed: LEAK_CHECK_SEED,
            timeout: REQUEST_TIMEOUT,
            ..LoadPlan::closed(load.users, lasts(rollout))
        };
        // Short, so that the memory of every worker has room beside it.
        let message = format!("{} users, memory watched", load.users);
        let under = under_load(context, message, &plan, rollout.leak.warm_up.get()).await?;
        Ok(concluded(judge(&under, rollout)))
    }
}

fn concluded(measured: Measurement) -> Observation {
    let hint = "a longer time (`leak` in rollout.yaml) makes it surer; what grows with every request can be found with \
                `tracemalloc`, and lived with by `max_requests` of Gunicorn";
    let measurements = vec![measured];
    Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements }
}

fn judge(under: &UnderLoad, rollout: &Rollout) -> Measurement {
    let (resource, leak) = (copy_access::resource(rollout), &rollout.leak);
    let trouble = under.taken_off.clone().or_else(|| under.watch.trouble());
    if let Some(why) = trouble {
        let words = format!("the load was taken off before anything could be said about leaks: {why}");
        return measurement(Verdict::Abort, resource, words, under.watch.data());
    }
    let left = under.watch.available_at_first().unwrap_or(0).saturating_sub(limits(rollout).hold.available_bytes);
    let headroom_bytes = leak.headroom_mib.map_or(left, |mib| u64::from(mib) << 20);
    let horizon = leak.horizon.get();
    let limits = LeakLimits {
        warm_up: leak.warm_up.get(),
        horizon,
        urgent: URGENT_HEADROOM.min(horizon),
        minimum_time: leak.minimum_time.get(),
        minimum_requests: leak.minimum_requests,
        ..LeakLimits::with_headroom(headroom_bytes)
    };
    let judged = judge_leak(&under.watch.memory(), under.course.answered_since_it_counts(), &limits);
    let words = format!("{} ({} requests)", judged.summary(), judged.requests);
    let data = json!({ "judged": judged, "limits": limits, "watched": under.watch.data() });
    let mut measured = measurement(judged.verdict, resource, words, data);
    if judged.verdict.passes() {
        measured.proves = vec![ChecklistItem::NoMemoryLeaks];
    }
    measured
}
