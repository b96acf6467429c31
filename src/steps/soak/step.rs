//! `production_soak`: one switched target, window by window, beside another one.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kept::Kept;
use super::probe::Probed;
use super::service::{Registered, Running};
use super::{bridge, cohort, comparison, probe, store, workers};
use crate::core::rollout::{ProductionTarget, Rollout};
use crate::core::{Contract, Failure, Input, Judgement, Measurement, Statement, deciding_subjects, sentence_of, worst};
use crate::ports::{Endpoint, ReleaseName};
use crate::steps::site::release_facts;
use crate::steps::targets::group_inspection;
use crate::steps::{
    Diff, DiffAction, Kind, Observation, ReadContext, Step, Watch, Watched, measure, production_target,
};

/// How long the end of a window takes at least, when all is well.
const WINDOW_END_DURATION: Duration = Duration::from_secs(3);
/// The largest share of a window that is left for its end, as its denominator.
const MAX_WINDOW_END_SHARE: u32 = 6;

/// Watches a production target.
pub struct ProductionSoak(Settings);

/// What a `production_soak` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is handed over.
    target: String,
    /// The store, as `host:port`.
    endpoint: Input<String>,
}

impl Kind for ProductionSoak {
    type Settings = Settings;
    const NAME: &'static str = "production_soak";
    const SUMMARY: &'static str = "watches a switched target beside another one, as long as rollout.yaml's soak says";
    const CONTRACT: Contract = Contract::SOAK;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Watch(Box::new(Self(settings)))
    }
}

/// The release that this target was switched to.
fn release(context: &ReadContext<'_>, target: &str) -> Result<ReleaseName, Failure> {
    release_facts::known_release(context.facts).ok_or_else(|| {
        Failure::permanent(format!("{target}: no fact says which release it was switched to"))
            .hint("`release_package` does, earlier in phases/4-production.yaml: run the phase again")
    })
}

/// One thing that was looked at, as a measurement.
fn area(target: &ProductionTarget, name: &str, reasons: &[Judgement], summary: String, data: Value) -> Measurement {
    let (verdict, subjects) = (worst(reasons), deciding_subjects(reasons));
    let words = format!("{}, {name}: {}", target.name, sentence_of(reasons, summary));
    let data = json!({ "reasons": reasons, "seen": data });
    Measurement { subjects, ..measure::measurement(verdict, target.name.to_string(), words, data) }
}

/// How the comparison stands, when nothing is wrong with it.
fn compared(probed: &Probed, reasons: &[Judgement]) -> String {
    let errors = probed.target.errors();
    let p95 =
        probed.target.total().latency.percentile(95.0).map_or("no answer".to_owned(), |p95| format!("p95 {p95:.1?}"));
    let beside = match (&probed.control, &probed.alone) {
        (Some((name, result)), None) => {
            let p95 =
                result.total().latency.percentile(95.0).map_or("no answer".to_owned(), |p95| format!("p95 {p95:.1?}"));
            format!("beside {name} ({} of {} failed, {p95})", result.errors().hits, result.errors().of)
        }
        (_, why) => format!("compared with nothing, only with the ceilings: {}", why.as_deref().unwrap_or("no reason")),
    };
    let over = reasons.last().map(|reason| format!("; {}", reason.words)).unwrap_or_default();
    format!("{} of {} requests of our users failed, {p95}, {beside}{over}", errors.hits, errors.of)
}

#[async_trait]
impl Watch for ProductionSoak {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let (target, soak) = (&self.0.target, &rollout.soak);
        let beside = match rollout.production.targets.len() {
            1 => "by the ceilings alone: there is no other target to compare with",
            _ => "beside another target",
        };
        let log = match &rollout.application.error_log {
            Some(_) => "",
            None => "; without `application.error_log` neither tracebacks nor silent workers are counted",
        };
        let what = format!(
            "{target} for {}, in windows of {}, {beside}, with {} journeys a minute of our own{log}",
            soak.duration, soak.window, soak.probe.journeys_per_minute
        );
        Diff::one(DiffAction::Read, what)
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        group_inspection::reads(rollout)
    }

    async fn watch(&self, context: &ReadContext<'_>, window: Duration) -> Result<Watched, Failure> {
        let (rollout, clock) = (context.rollout(), &context.ports.clock);
        let target = production_target::find(rollout, &self.0.target)?;
        let endpoint: Endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        let release = release(context, &self.0.target)?;
        let (began, now) = (clock.elapsed(), clock.now());
        let mut kept = Kept::of(context.facts, release.as_str(), now);
        let age = kept.age(now);

        let bridge_first = bridge::look(context, target).await?;
        let registered = Registered::look(context).await?;
        let control = probe::control(context, target, &registered).await;
        let left = || window.saturating_sub(clock.elapsed().saturating_sub(began));
        let length =
            left().saturating_sub(WINDOW_END_DURATION.min(window / MAX_WINDOW_END_SHARE)).max(Duration::from_secs(1));
        let seed = kept.windows.wrapping_add(now.as_second().unsigned_abs());
        // Whichever of them cannot go on ends the window: half a look is none.
        let (workers, probed) = tokio::try_join!(
            workers::watch(context, target, length),
            probe::probe(context, target, control, length, seed),
        )?;
        let running = Running::look(context, target).await?;
        // Before the bridge's numbers are read: they are requests of this window.
        let cohort = cohort::cohort_kept(context, target).await?;
        let bridge_last = bridge::look(context, target).await?;
        let store = store::look(context, target, endpoint).await?;
        clock.sleep(left()).await;

        if let Some(changed) = running.changed(&release, rollout) {
            let measured = area(target, "release", &[changed], String::new(), json!(running.facts()));
            return Ok(watched(Duration::ZERO, 0, kept, vec![measured]));
        }
        let is_young = 2 * (kept.windows + 1) <= rollout.soak.windows();
        let is_restarted = running.master().is_some_and(|master| kept.is_new_master(master));

        let mut reasons = registered.judge(&target.name);
        reasons.extend(running.beside());
        let words = format!("runs release {release}, and gets users");
        let mut measurements = vec![area(target, "release", &reasons, words, json!(running.facts()))];

        let reasons = comparison::judge(&probed, &mut kept, rollout, is_young);
        let words = compared(&probed, &reasons);
        let data = json!({ "compared_with": probed.control.as_ref().map(|(name, _)| name), "alone": probed.alone });
        measurements.push(area(target, "our users", &reasons, words, data));

        let mut reasons = workers::judge(&workers, &probed.target, is_restarted, rollout);
        let memory = workers::memory(&workers, &mut kept, age, is_young, rollout);
        let mut words = workers::summary(&workers, rollout);
        words.extend(memory.iter().map(|memory| format!("; {}", memory.words)));
        reasons.extend(memory);
        measurements.push(area(target, "workers", &reasons, words, workers.watch.data()));

        let seen = bridge::Window {
            first: &bridge_first,
            last: &bridge_last,
            at_first: &workers.at_first,
            own: probed.target.errors().of.saturating_add(cohort.requests),
        };
        let users = seen.users(&mut kept);
        let (reasons, data) = seen.judge(&mut kept);
        measurements.push(area(
            target,
            "sessions",
            &reasons,
            format!("{users} requests of users with a session"),
            data,
        ));

        let reasons = store::judge(&store, &mut kept);
        measurements.push(area(target, "store", &reasons, store::summary(&store), store::data(&store)));
        measurements.extend(cohort.seen);
        kept.windows += 1;
        Ok(watched(window, users, kept, measurements))
    }
}

/// The window, as the engine wants it.
fn watched(length: Duration, requests: u64, kept: Kept, measurements: Vec<Measurement>) -> Watched {
    let hint = "`migrate log` shows when it began, and `migrate status` what is missing; look at the target's error log, \
                and fix it or undo the switch with `migrate rollback --to 3`";
    let failure = measure::failure_of(&measurements, hint);
    let seconds = if failure.is_none() { length.as_secs() } else { 0 };
    let facts = kept.into_facts();
    Watched { seconds, requests, observation: Observation { facts, measurements, failure } }
}
