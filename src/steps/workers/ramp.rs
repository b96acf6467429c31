//! `worker_ramp`: one worker count after the other on the copy, each under load; the copy is left at the last good one.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::count::measure;
use super::judgement::{Judged, judge};
use super::results::RampResults;
use crate::core::{
    ApplyPermit, ChecklistItem, Contract, Document, Facts, Failure, Input, Measurement, UndoPermit, Verdict,
};
use crate::ports::{DirectoryState, StoreAccess, WritableTarget, WriteFailure};
use crate::steps::facts::{RAMP_RESULTS, RAMP_WORKERS};
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::{copy_access, copy_gunicorn, copy_layout, store_access};
use crate::steps::targets::list;
use crate::steps::{
    Condition, Diff, DiffAction, Exercise, Kind, Observation, Presence, ReadContext, Step, WriteContext,
};

/// The checklist's number of users.
const CHECKLIST_USERS: u32 = 50;

/// Tries worker counts.
pub struct WorkerRamp(Settings);

/// What a `worker_ramp` step is told. The counts and the load are the site's, in rollout.yaml.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`: it is watched, too.
    endpoint: Input<String>,
}

impl Kind for WorkerRamp {
    type Settings = Settings;
    const NAME: &'static str = "worker_ramp";
    const SUMMARY: &'static str = "tries worker counts on the copy under load, and keeps the last good one";
    const CONTRACT: Contract = Contract::Exercise;
    const PROVIDES: &'static [&'static str] = &[RAMP_RESULTS.name(), RAMP_WORKERS.name()];

    fn build(settings: Settings) -> Step {
        Step::Exercise(Box::new(Self(settings)))
    }
}

/// The ramp as far as it went.
#[derive(Default)]
struct Ramp {
    measurements: Vec<Measurement>,
    results: RampResults,
    /// The last good count.
    good: Option<u32>,
}

#[async_trait]
impl Exercise for WorkerRamp {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let counts: Vec<String> = rollout.worker_counts.iter().map(u32::to_string).collect();
        Ok(Diff::one(
            DiffAction::Change,
            format!(
                "the copy on port {} of staging: {} workers, each under {} users for {}",
                rollout.staging.copy.port,
                counts.join(", "),
                rollout.load.users,
                rollout.load.duration
            ),
        ))
    }

    /// The copy as phase 2 left it is nothing of ours; so is no copy at all.
    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let rollout = context.rollout();
        let usual = copy_gunicorn::workers_of_phase_2(context.plan);
        let gunicorn = copy_gunicorn::gunicorn(rollout, usual)?;
        let reader = list::staging(context);
        if let DirectoryState::Foreign(why) = reader.owned_directory(&copy_layout::place(rollout)).await? {
            return Ok(Presence::Foreign(why));
        }
        let Some(copy) = reader.detached(&gunicorn.directory, &gunicorn.pid_file, &[]).await? else {
            let paths = [copy_layout::ENVIRONMENT.to_owned()];
            let is_configured = reader.files(&gunicorn.directory, &paths).await?.iter().any(Option::is_some);
            // A change of the count that broke off between stopping and starting leaves it so.
            return Ok(if is_configured { Presence::Ours(Condition::Unfinished) } else { Presence::Absent });
        };
        let told = copy.command_line.windows(2).rev().find(|pair| pair[0] == "--workers").map(|pair| pair[1].clone());
        Ok(if told == Some(usual.to_string()) { Presence::Absent } else { Presence::Ours(Condition::Usable) })
    }

    async fn perform(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<Observation, WriteFailure> {
        let rollout = context.read.rollout();
        if rollout.journeys.is_empty() {
            let words = "no worker count was tried: rollout.yaml declares no `journeys`";
            let nothing = measurement(Verdict::Inconclusive, copy_access::resource(rollout), words, json!({}));
            return Ok(concluded(Ramp { measurements: vec![nothing], ..Ramp::default() }));
        }
        let store = self.store(context.read).await.map_err(WriteFailure::clean)?;
        let mut ramp = Ramp::default();
        let went = climb(context, permit, &store, &mut ramp).await;
        let stays = ramp.good.unwrap_or_else(|| copy_gunicorn::workers_of_phase_2(context.read.plan));
        match went {
            // It is begun again, from the first count.
            Err(failed) if failed.failure.class.is_retryable() => Err(failed),
            Err(failed) => {
                // What failed is what has to be said, whether or not this works.
                let back = set(context, permit, stays).await;
                if let Err(also) = back {
                    context.read.say(format!("{stays} workers could not be set again: {also}"));
                }
                Err(failed)
            }
            Ok(()) => {
                set(context, permit, stays).await?;
                Ok(concluded(ramp))
            }
        }
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let usual = copy_gunicorn::workers_of_phase_2(context.read.plan);
        let gunicorn = copy_gunicorn::gunicorn(rollout, usual).map_err(WriteFailure::clean)?;
        context.ports.targets.writer(&WritableTarget::staging(rollout)).revert_detached(permit, &gunicorn).await
    }
}

impl WorkerRamp {
    async fn store(&self, context: &ReadContext<'_>) -> Result<StoreAccess, Failure> {
        let endpoint = self.0.endpoint.text(context.facts)?.parse()?;
        store_access::through_staging(context, endpoint).await
    }
}

/// Has the copy run with so many workers.
async fn set(context: &WriteContext<'_>, permit: &ApplyPermit, workers: u32) -> Result<(), WriteFailure> {
    let rollout = context.read.rollout();
    let gunicorn = copy_gunicorn::gunicorn(rollout, workers).map_err(WriteFailure::clean)?;
    context.ports.targets.writer(&WritableTarget::staging(rollout)).restart_detached(permit, &gunicorn).await
}

/// One count after the other, until one is not good.
async fn climb(
    context: &WriteContext<'_>,
    permit: &ApplyPermit,
    store: &StoreAccess,
    ramp: &mut Ramp,
) -> Result<(), WriteFailure> {
    let read = context.read;
    let counts = &read.rollout().worker_counts;
    for (position, workers) in counts.iter().copied().enumerate() {
        read.say(format!("the copy gets {workers} workers ({} of {} counts)", position + 1, counts.len()));
        set(context, permit, workers).await?;
        // The count is set, so nobody can say that nothing has happened.
        let counted = measure(read, store, workers).await.map_err(WriteFailure::unknown)?;
        let Judged { verdict, words, measurement, result } = judge(&counted, read.rollout());
        read.say(words.clone());
        ramp.results.counts.push(result);
        ramp.measurements.push(measurement);
        if !verdict.passes() {
            ramp.results.stopped = Some(words);
            return Ok(());
        }
        ramp.good = Some(workers);
    }
    Ok(())
}

/// The observation of a ramp that is over.
fn concluded(mut ramp: Ramp) -> Observation {
    let last = ramp.measurements.last_mut();
    if let (Some(good), Some(last)) = (ramp.good, last)
        && last.verdict == Verdict::Hold
    {
        // Where it has to stop is what a ramp is to find out. What was good before is good.
        last.summary = format!("the ramp ends here, and {good} workers are the last good count: {}", last.summary);
        last.verdict = Verdict::Pass;
    }
    let is_good = ramp.measurements.iter().all(|measured| measured.verdict.passes());
    let mut facts = Facts::new();
    if let Some(good) = ramp.good.filter(|_| is_good) {
        let good_at = ramp.results.counts.iter().rposition(|count| count.run.workers == good);
        if let Some(measured) = good_at.and_then(|at| ramp.measurements.get_mut(at)) {
            proves(measured);
        }
        facts = facts.with_fact(RAMP_WORKERS, good);
        // Numbers and text: it can always be written.
        if let Ok(results) = Document::of(&ramp.results) {
            facts = facts.with_fact(RAMP_RESULTS, results);
        }
    }
    let hint = "the copy runs with the last good count, or as phase 2 left it; look into its `.migrate/error.log`, and \
                at the evidence of this step for what was seen each second";
    Observation { facts, failure: failure_of(&ramp.measurements, hint), measurements: ramp.measurements }
}

/// What a good count proves.
fn proves(measured: &mut Measurement) {
    let users = measured.data["users_with_identity"].as_u64().unwrap_or(0);
    if users >= u64::from(CHECKLIST_USERS) {
        measured.proves = vec![ChecklistItem::ConcurrentUsersHandled];
    } else {
        measured.summary.extend([format!(
            "; {users} users are fewer than the {CHECKLIST_USERS} of the checklist, which stays open (`load.users`)"
        )]);
    }
}
