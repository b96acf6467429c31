//! `copy_process`: the copy, running beside the original, and what it says about itself.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::environment;
use super::readback;
use super::readback::Told;
use crate::core::rollout::{Port, Rollout, STAGING};
use crate::core::{ApplyPermit, Contract, Facts, Failure, Measurement, UndoPermit, Verdict};
use crate::ports::{DetachedFacts, DetachedGunicorn, WritableTarget, WriteFailure};
use crate::steps::facts::{BASELINE, COPY_PID_FILE};
use crate::steps::measure::measurement;
use crate::steps::site::copy_gunicorn;
use crate::steps::site::copy_gunicorn::COPY_PROCESS;
use crate::steps::targets::protected::facts::Baseline;
use crate::steps::waiting::UntilVisible;
use crate::steps::{Change, Condition, Diff, Kind, Presence, ReadContext, Step, WriteContext};

/// How many times the workers are counted until all are there.
const MAX_COUNTS: u32 = 10;
/// How long to wait between two counts.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Runs the copy.
pub struct CopyProcess(Settings);

/// What a `copy_process` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many workers; as many as the original (`application.workers`) when not set.
    #[serde(default)]
    #[schemars(range(min = 1, max = 256))]
    workers: Option<u32>,
}

impl Kind for CopyProcess {
    type Settings = Settings;
    const NAME: &'static str = COPY_PROCESS;
    const SUMMARY: &'static str = "runs the copy beside the original, and reads back from the process what it was told";
    const CONTRACT: Contract = Contract::Change;
    const PROVIDES: &'static [&'static str] = &[COPY_PID_FILE.name()];

    fn build(settings: Settings) -> Step {
        Step::Change(Box::new(Self(settings)))
    }
}

/// Whether it listens on its port, at whichever address.
fn listens(copy: &DetachedFacts, port: Port) -> bool {
    copy.listening.iter().any(|address| address.rsplit_once(':').is_some_and(|(_, found)| found == port.to_string()))
}

impl CopyProcess {
    fn gunicorn(&self, rollout: &Rollout) -> Result<DetachedGunicorn, Failure> {
        copy_gunicorn::gunicorn(rollout, self.0.workers.unwrap_or(rollout.application.workers))
    }

    /// The running copy, with those of its variables that are known.
    async fn look(&self, context: &ReadContext<'_>) -> Result<Option<DetachedFacts>, Failure> {
        let rollout = context.rollout();
        let gunicorn = self.gunicorn(rollout)?;
        let names: Vec<String> = environment::known(rollout, context.facts)?.into_keys().collect();
        let reader = context.ports.targets.reader(&rollout.staging.host);
        reader.detached(&gunicorn.directory, &gunicorn.pid_file, &names).await
    }
}

/// When the original's main process started by the baseline of phase 1; `None` when there is none.
fn original_started(facts: &Facts) -> Option<u64> {
    let baseline: Baseline = BASELINE.known(facts)?.read().ok()?;
    baseline.get(STAGING)?.started_ticks
}

#[async_trait]
impl Change for CopyProcess {
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure> {
        let gunicorn = self.gunicorn(context.rollout())?;
        let what = format!(
            "Gunicorn in {} on 127.0.0.1:{}, {} workers, beside {}",
            gunicorn.directory, gunicorn.port, gunicorn.workers, gunicorn.unit
        );
        Ok(Diff::of_presence(&self.probe(context).await?, what))
    }

    /// One that runs with other variables than it would be given now is broken: they are read at its start.
    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        let rollout = context.rollout();
        let port = rollout.staging.copy.port;
        let Some(copy) = self.look(context).await? else {
            let listening = context.ports.targets.reader(&rollout.staging.host).listening().await?;
            return Ok(if listening.contains(&port.number()) {
                Presence::Foreign(format!(
                    "port {port} on staging is taken: a process listens there that is not the copy; stop it, \
                     or write another `staging.copy.port` in rollout.yaml"
                ))
            } else {
                Presence::Absent
            });
        };
        let differing = readback::differing_variables(&copy, &environment::known(rollout, context.facts)?);
        let pid = copy.master.pid;
        Ok(Presence::Ours(if !listens(&copy, port) {
            Condition::Broken(format!("process {pid} runs, but does not listen on port {port}"))
        } else if copy.workers.is_empty() {
            Condition::Broken(format!("process {pid} runs, but has no worker"))
        } else if !differing.is_empty() {
            Condition::Broken(format!("process {pid} runs with other variables: {}", differing.join(", ")))
        } else {
            Condition::Usable
        }))
    }

    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let gunicorn = self.gunicorn(rollout).map_err(WriteFailure::clean)?;
        context.ports.targets.writer(&WritableTarget::staging(rollout)).start_detached(permit, &gunicorn).await
    }

    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure> {
        let gunicorn = self.gunicorn(context.rollout())?;
        let clock = &*context.ports.clock;
        let wait = UntilVisible::new(clock, format!("the copy on port {}", gunicorn.port));
        let mut counted = 0;
        loop {
            let usable = |copy: &DetachedFacts| listens(copy, gunicorn.port) && !copy.workers.is_empty();
            let seen = self.look(context).await.map(|copy| copy.filter(usable));
            let Some(copy) = wait.over(seen).await? else { continue };
            counted += 1;
            // Workers are forked one after the other; how many there are in the end is for `verify` to judge.
            if u32::try_from(copy.workers.len()).is_ok_and(|count| count == gunicorn.workers) || counted >= MAX_COUNTS {
                return Ok(Facts::new().with_fact(COPY_PID_FILE, gunicorn.pid_file.to_string()));
            }
            clock.sleep(POLL_INTERVAL).await;
        }
    }

    async fn verify(&self, context: &ReadContext<'_>, _: &Facts) -> Result<Vec<Measurement>, Failure> {
        let rollout = context.rollout();
        let gunicorn = self.gunicorn(rollout)?;
        let Some(copy) = self.look(context).await? else {
            let summary = format!("the copy does not run any more; see {} on staging", gunicorn.error_log);
            return Ok(vec![measurement(Verdict::Abort, STAGING, summary, serde_json::Value::Null)]);
        };
        let original = context.ports.targets.reader(&rollout.staging.host).service(&gunicorn.unit).await?;
        let told = Told {
            gunicorn: &gunicorn,
            variables: &environment::known(rollout, context.facts)?,
            original: &original,
            original_started: original_started(context.facts),
        };
        Ok(readback::measurements(&copy, &told))
    }

    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        let rollout = context.read.rollout();
        let gunicorn = self.gunicorn(rollout).map_err(WriteFailure::clean)?;
        let writer = context.ports.targets.writer(&WritableTarget::staging(rollout));
        writer.stop_detached(permit, &gunicorn.directory, &gunicorn.pid_file).await
    }
}
