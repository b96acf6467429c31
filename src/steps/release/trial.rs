//! `release_trial`: the release runs beside the live application for a moment, on a port of its own, and synthetic users
//! ask it before anybody else does. What is wrong with it and is found out here costs no user anything.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::switch::service;
use crate::core::rollout::{AbsolutePath, Port, ProductionTarget, Rollout};
use crate::core::{ApplyPermit, Contract, Facts, Failure, FailureClass, Measurement, UndoPermit, Verdict};
use crate::ports::{DetachedGunicorn, WriteFailure};
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access::Trial;
use crate::steps::site::{journey_walk, release_facts, release_layout as layout};
use crate::steps::targets::named;
use crate::steps::{
    Condition, Diff, DiffAction, Exercise, Kind, Observation, Presence, ReadContext, Step, WriteContext, cohort,
    production_target,
};

/// The number of workers of a release on trial: the fewest that show what another worker knows.
const TRIAL_WORKERS: u32 = 2;

/// Tries a release.
pub struct ReleaseTrial(Settings);

/// What a `release_trial` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The production target; under `each_target` it is set by itself.
    target: String,
    /// The port of the trial, on the loopback address; the copy's (`staging.copy.port`) when not set.
    #[serde(default)]
    port: Option<Port>,
}

impl Kind for ReleaseTrial {
    type Settings = Settings;
    const NAME: &'static str = "release_trial";
    const SUMMARY: &'static str =
        "runs a release beside the live application for a moment; synthetic users ask it first";
    const CONTRACT: Contract = Contract::Exercise;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Exercise(Box::new(Self(settings)))
    }
}

impl ReleaseTrial {
    fn port(&self, rollout: &Rollout) -> Port {
        self.0.port.unwrap_or(rollout.staging.copy.port)
    }

    fn gunicorn(&self, rollout: &Rollout, directory: &AbsolutePath) -> Result<DetachedGunicorn, Failure> {
        Ok(DetachedGunicorn {
            unit: rollout.application.unit.clone(),
            original: rollout.application.directory.clone(),
            directory: directory.clone(),
            // The release's own configuration brings the bridge, as it will when it is live.
            application: None,
            port: self.port(rollout),
            workers: TRIAL_WORKERS,
            pid_file: layout::below(directory, layout::TRIAL_PID_FILE)?,
            access_log: layout::below(directory, layout::TRIAL_ACCESS_LOG)?,
            error_log: layout::below(directory, layout::TRIAL_ERROR_LOG)?,
            environment_file: layout::below(directory, layout::ENVIRONMENT)?,
        })
    }

    /// Trials that run now: of whichever release, so that it needs no facts.
    async fn running(&self, context: &ReadContext<'_>) -> Result<Vec<DetachedGunicorn>, Failure> {
        let rollout = context.rollout();
        let reader = named::reader(context, &self.0.target)?;
        let found = reader.releases(&layout::site(rollout)?).await?;
        let mut running = Vec::new();
        for name in found.releases.iter().chain(&found.unfinished) {
            let gunicorn = self.gunicorn(rollout, &layout::release(rollout, name)?)?;
            if reader.detached(&gunicorn.directory, &gunicorn.pid_file, &[]).await?.is_some() {
                running.push(gunicorn);
            }
        }
        Ok(running)
    }

    /// What synthetic users find: those of before the change, and two who walk the journeys.
    async fn asked(
        &self,
        context: &ReadContext<'_>,
        target: &ProductionTarget,
        directory: &AbsolutePath,
    ) -> Result<Vec<Measurement>, Failure> {
        let name = target.name.as_str();
        let trial = Trial::of_release(context, target, directory, self.port(context.rollout())).await?;
        let walkers = production_target::numbers(context.rollout(), target).walkers;
        let mut seen = service::health_of(context, name, trial.site(), walkers[0]).await?;
        // Nothing is gained by asking more of one that is down.
        if seen.iter().all(|seen| seen.verdict.passes()) {
            seen.push(journey_walk::by_two_users(context, &trial, walkers).await?);
            seen.push(cohort::replay_on_trial(context, target, &trial).await?.measurement(name));
        }
        Ok(seen)
    }
}

#[async_trait]
impl Exercise for ReleaseTrial {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let rollout = context.rollout();
        let what = format!(
            "on {}: the release runs on 127.0.0.1:{} for a moment, beside {}, and {} synthetic users ask it",
            self.0.target,
            self.port(rollout),
            rollout.application.unit,
            rollout.cohort.users
        );
        Ok(Diff::one(DiffAction::Change, what))
    }

    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        Ok(match self.running(context).await?.is_empty() {
            true => Presence::Absent,
            false => Presence::Ours(Condition::Usable),
        })
    }

    async fn perform(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<Observation, WriteFailure> {
        let (read, name) = (context.read, self.0.target.as_str());
        let rollout = read.rollout();
        let writer = named::writer(context, name)?;
        let target = production_target::find(rollout, name).map_err(WriteFailure::clean)?;
        let release = release_facts::release(read.facts).map_err(WriteFailure::clean)?;
        let directory = layout::release(rollout, &release).map_err(WriteFailure::clean)?;
        let gunicorn = self.gunicorn(rollout, &directory).map_err(WriteFailure::clean)?;
        read.say(format!("{name}: the release {release} is tried on 127.0.0.1:{}", gunicorn.port));
        let measurements = match writer.start_detached(permit, &gunicorn).await {
            Ok(()) => {
                let asked = self.asked(read, target, &directory).await;
                writer.end_detached(permit, &gunicorn.directory, &gunicorn.pid_file).await?;
                asked.map_err(WriteFailure::unknown)?
            }
            // Whatever else goes wrong is not about the release.
            Err(failed) if failed.failure.class != FailureClass::Permanent => return Err(failed),
            Err(failed) => {
                // Whatever is left of one that did not start goes, too.
                writer.end_detached(permit, &gunicorn.directory, &gunicorn.pid_file).await?;
                let words = format!("the release {release} does not start on {name}: {}", failed.failure.message);
                vec![measurement(Verdict::Abort, name, words, json!({ "release": release }))]
            }
        };
        let hint = "no user has met this release: mend it, or `migrate rollback --to 3` takes it away again";
        Ok(Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements })
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let writer = named::writer(context, &self.0.target)?;
        for gunicorn in self.running(context.read).await.map_err(WriteFailure::clean)? {
            writer.stop_detached(permit, &gunicorn.directory, &gunicorn.pid_file).await?;
        }
        Ok(())
    }
}
