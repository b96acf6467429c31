//! `data_gate`: every kind of session value, written in one worker and compared in another and after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::core::rollout::{HumanDuration, Method, Rollout};
use crate::core::{ChecklistItem, Contract, Facts, Failure, Measurement, Verdict};
use crate::ports::BrowserCookie;
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access;
use crate::steps::site::copy_access::{RestartAsked, Trial, TypesRead, TypesWritten};
use crate::steps::site::journey_walk;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// The user whose session the values are in.
const USER: u32 = 1;
/// The maximum number of rounds, of four readers at once, until every worker has answered.
const MAX_ROUNDS: usize = 30;
/// The number of rounds without a new worker after which there is none.
const MAX_QUIET_ROUNDS: usize = 5;
/// How long to wait between two rounds.
const ROUND_INTERVAL: Duration = Duration::from_millis(200);
/// The maximum number of values that are named in one line.
const MAX_NAMED_VALUES: usize = 5;

/// Writes, reads, restarts, reads.
pub struct DataGate(Settings);

/// What a `data_gate` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long it may take until restarted workers answer.
    #[serde(default = "a_minute")]
    restart_within: HumanDuration,
}

fn a_minute() -> HumanDuration {
    Duration::from_secs(60).into()
}

impl Kind for DataGate {
    type Settings = Settings;
    const NAME: &'static str = "data_gate";
    const SUMMARY: &'static str = "compares every session value by type after a round trip";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for DataGate {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let port = rollout.staging.copy.port;
        Diff::one(
            DiffAction::Read,
            format!(
                "session values of every type on port {port} of staging, in another worker and after a restart of the copy's workers"
            ),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let trial = Trial::of(context).await?;
        let mut measurements = vec![self.types(context, &trial).await?];
        measurements.push(journey_walk::by_two_users(context, &trial, journey_walk::ON_THE_COPY).await?);
        let hint = "the bridge does not keep this application's sessions: `migrate rollback` takes the copy down; the \
                    original is as it was";
        Ok(Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements })
    }
}

impl DataGate {
    async fn types(&self, context: &ReadContext<'_>, trial: &Trial<'_>) -> Result<Measurement, Failure> {
        let resource = copy_access::resource(context.rollout());
        let mut writer = trial.open(USER, Vec::new()).await?;
        let written: TypesWritten = trial.ask(&mut *writer, Method::Post, "types").await?;
        let session = writer.cookies();
        let mut reading = Reading { context, trial, written: &written, session: &session, by: BTreeSet::new() };
        let data = |step: &str, reading: &Reading<'_>| json!({ "values": written.names, "workers": reading.by, "written_by": written.pid, "step": step });
        if written.names.is_empty() {
            let words = "the copy wrote no values, so none were compared";
            return Ok(measurement(Verdict::Inconclusive, resource, words, data("write", &reading)));
        }
        if let Some(damage) = reading.in_every_worker().await? {
            return Ok(measurement(Verdict::Abort, resource, damage, data("another worker", &reading)));
        }
        if !reading.by.iter().any(|pid| *pid != written.pid) {
            let words = format!(
                "only one worker of the copy ({}) ever answered, so no value was read in another one: it needs two or more workers",
                written.pid
            );
            return Ok(measurement(Verdict::Inconclusive, resource, words, data("another worker", &reading)));
        }
        let before = reading.by.clone();
        let asked: RestartAsked = trial.ask(&mut *writer, Method::Post, "restart").await?;
        context.say(format!("the copy's workers are restarted by their master {}", asked.master));
        let found = reading.after_a_restart(&before, self.0.restart_within.get()).await?;
        if let Some(words) = found {
            return Ok(measurement(Verdict::Abort, resource, words, data("restart", &reading)));
        }
        let words = format!(
            "{} kinds of values are the same, by type and value, in {} workers and after a restart of all of them",
            written.names.len(),
            before.len()
        );
        let mut result = measurement(Verdict::Pass, resource, words, data("done", &reading));
        result.proves = vec![ChecklistItem::DataFramesSerialize];
        Ok(result)
    }
}

/// Reading the values again and again.
struct Reading<'a> {
    context: &'a ReadContext<'a>,
    trial: &'a Trial<'a>,
    written: &'a TypesWritten,
    session: &'a [BrowserCookie],
    /// Workers that answered.
    by: BTreeSet<u32>,
}

impl Reading<'_> {
    /// Reads until no worker answers that did not answer before. Says what is damaged.
    async fn in_every_worker(&mut self) -> Result<Option<String>, Failure> {
        let mut quiet = 0;
        for _ in 0..MAX_ROUNDS {
            let known = self.by.len();
            for read in self.four_at_once().await? {
                self.by.insert(read.pid);
                if let Some(damage) = self.damage(&read) {
                    let where_to =
                        if read.pid == self.written.pid { "the worker that wrote it" } else { "another worker" };
                    return Ok(Some(format!("in {where_to}, {damage}")));
                }
            }
            quiet = if self.by.len() == known { quiet + 1 } else { 0 };
            if quiet >= MAX_QUIET_ROUNDS && self.by.len() > 1 {
                break;
            }
            self.context.ports.clock.sleep(ROUND_INTERVAL).await;
        }
        Ok(None)
    }

    /// Waits until only workers answer that were not there before. Says what is damaged, or that none came.
    async fn after_a_restart(&mut self, before: &BTreeSet<u32>, within: Duration) -> Result<Option<String>, Failure> {
        let clock = &self.context.ports.clock;
        let began = clock.elapsed();
        loop {
            match self.four_at_once().await {
                Ok(reads) => {
                    for read in &reads {
                        if let Some(damage) = self.damage(read) {
                            return Ok(Some(format!("after a restart of the workers, {damage}")));
                        }
                    }
                    if reads.iter().all(|read| !before.contains(&read.pid)) {
                        self.by.extend(reads.iter().map(|read| read.pid));
                        return Ok(None);
                    }
                }
                // Between the old workers and the new ones nobody may answer.
                Err(failure) if failure.class.is_retryable() => self.context.say(failure.message),
                Err(failure) => return Err(failure),
            }
            if clock.elapsed().saturating_sub(began) >= within {
                let pids: Vec<String> = before.iter().map(u32::to_string).collect();
                return Ok(Some(format!(
                    "no new workers answered within {} s of the request to restart: {} still do",
                    within.as_secs(),
                    pids.join(", ")
                )));
            }
            clock.sleep(ROUND_INTERVAL * 5).await;
        }
    }

    /// Four readers on connections of their own, at the same time: a worker that is busy leaves the next request to
    /// another one, where requests one after the other may all go to the same.
    async fn four_at_once(&self) -> Result<[TypesRead; 4], Failure> {
        let (a, b, c, d) = tokio::join!(self.one(), self.one(), self.one(), self.one());
        Ok([a?, b?, c?, d?])
    }

    async fn one(&self) -> Result<TypesRead, Failure> {
        let mut browser = self.trial.open(USER, self.session.to_vec()).await?;
        self.trial.ask(&mut *browser, Method::Get, "types").await
    }

    /// What did not come back as it was written.
    fn damage(&self, read: &TypesRead) -> Option<String> {
        let mut damaged: BTreeMap<&str, String> = BTreeMap::new();
        for name in &read.missing {
            damaged.insert(name, format!("`{name}` is missing"));
        }
        for wrong in &read.wrong {
            let words = format!("`{}` is {}, expected {}", wrong.name, wrong.found, wrong.expected);
            damaged.insert(&wrong.name, words);
        }
        // What nobody says a word about did not come back either.
        let right: BTreeSet<&String> = read.right.iter().collect();
        for name in self.written.names.iter().filter(|name| !right.contains(name)) {
            damaged.entry(name).or_insert_with(|| format!("`{name}` was not compared"));
        }
        if damaged.is_empty() {
            return None;
        }
        let more = damaged.len().saturating_sub(MAX_NAMED_VALUES);
        let mut words: Vec<String> = damaged.into_values().take(MAX_NAMED_VALUES).collect();
        if more > 0 {
            words.push(format!("and {more} more"));
        }
        Some(words.join("; "))
    }
}
