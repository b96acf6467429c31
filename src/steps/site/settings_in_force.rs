//! The settings in force in the session bridge and the application, in the copy or in a release. A variable that is set
//! in the process, but that no code reads, has no effect: that is an error.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::copy_access::Trial;
use crate::core::rollout::{Method, STAGING};
use crate::core::{Failure, Measurement, Verdict};
use crate::ports::{DetachedFacts, ServiceFacts};
use crate::steps::measure::measurement;

/// The trial endpoint that says it.
pub const ENDPOINT: &str = "settings";

/// What the names of the bridge's variables begin with.
const PREFIX: &str = "MIGRATE_SESSIONS_";

/// The processes that have to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// What they are called: `the copy`, or a target's name.
    pub name: String,
    /// What a measurement is said to be made on.
    pub resource: String,
    /// Their master.
    pub master: u32,
    /// How many workers there are.
    pub count: usize,
    /// Which, when that is known.
    pub workers: Option<Vec<u32>>,
}

impl Running {
    /// The copy's.
    pub fn copy(facts: &DetachedFacts) -> Self {
        Self {
            name: "the copy".to_owned(),
            resource: STAGING.to_owned(),
            master: facts.master.pid,
            count: facts.workers.len(),
            workers: Some(facts.workers.iter().map(|worker| worker.pid).collect()),
        }
    }

    /// A service's on a target; `None` when it does not run.
    pub fn service(target: &str, facts: &ServiceFacts) -> Option<Self> {
        Some(Self {
            name: target.to_owned(),
            resource: target.to_owned(),
            master: facts.main_pid?,
            count: usize::try_from(facts.workers).unwrap_or(usize::MAX),
            workers: None,
        })
    }
}

/// A worker's answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EffectiveSettings {
    /// The worker that answered.
    pub pid: u32,
    /// Its master.
    pub master: u32,
    /// The bridge's settings by name, as they are in force. No secrets.
    pub settings: BTreeMap<String, Value>,
    /// Variables of the operator's that the application has never read.
    pub unread: Vec<String>,
}

/// Judges an answer: who gave it, what is in force, and what nobody reads.
pub fn measurements(
    said: &EffectiveSettings,
    running: &Running,
    variables: &BTreeMap<String, String>,
) -> Vec<Measurement> {
    vec![who(said, running), in_force(said, running, variables), read(said, running, variables)]
}

/// Another process behind the port would answer for settings that are not the copy's, or the release's.
fn who(said: &EffectiveSettings, running: &Running) -> Measurement {
    let data = json!({ "pid": said.pid, "master": said.master, "expected_master": running.master });
    let is_worker = running.workers.as_ref().is_none_or(|workers| workers.contains(&said.pid));
    let name = &running.name;
    let (verdict, summary) = if said.master == running.master && is_worker {
        (Verdict::Pass, format!("worker {} of {name} answered", said.pid))
    } else if said.master == running.master {
        // A worker may have been replaced since they were counted.
        (Verdict::Inconclusive, format!("process {} answered, which was not a worker a moment ago", said.pid))
    } else {
        let summary = format!(
            "process {} of master {} answered on the port of {name}, not one of {}",
            said.pid, said.master, running.master
        );
        (Verdict::Abort, summary)
    };
    measurement(verdict, running.resource.as_str(), summary, data)
}

fn in_force(said: &EffectiveSettings, running: &Running, variables: &BTreeMap<String, String>) -> Measurement {
    let mut wrong = Vec::new();
    let mut right = Vec::new();
    for (name, given) in variables.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        match said.settings.get(name) {
            Some(Value::String(found)) if found == given => right.push(name),
            Some(found) => wrong.push(format!("{name} is {found}, and was set to `{given}`")),
            None => wrong.push(format!("{name} is not said, and was set to `{given}`")),
        }
    }
    let data = json!({ "right": right, "wrong": wrong });
    let (verdict, summary) = if !wrong.is_empty() {
        (Verdict::Abort, format!("the bridge's settings are not in force: {}", wrong.join("; ")))
    } else if right.is_empty() {
        (Verdict::Inconclusive, "no setting of the bridge was compared".to_owned())
    } else {
        (Verdict::Pass, format!("all {} settings of the bridge are in force", right.len()))
    };
    measurement(verdict, running.resource.as_str(), summary, data)
}

fn read(said: &EffectiveSettings, running: &Running, variables: &BTreeMap<String, String>) -> Measurement {
    let set: Vec<&String> = variables.keys().filter(|name| !name.starts_with(PREFIX)).collect();
    let data = json!({ "set": set, "unread": said.unread });
    let (verdict, summary) = if said.unread.is_empty() {
        let words = match set.len() {
            0 => "no variable of the rollout's own is set".to_owned(),
            count => format!("the application reads all {count} variables of staging.copy.environment"),
        };
        (Verdict::Pass, words)
    } else {
        let names = said.unread.join(", ");
        let words =
            format!("no code reads {names}: it has no effect; correct or remove it in staging.copy.environment");
        (Verdict::Abort, words)
    };
    measurement(verdict, running.resource.as_str(), summary, data)
}

/// Requests per worker, on average, until all have answered: the kernel chooses the worker.
const REQUESTS_PER_WORKER: usize = 20;

/// Asks as this synthetic user until every worker has answered.
pub async fn ask(
    trial: &Trial<'_>,
    user: u32,
    running: &Running,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<Measurement>, Failure> {
    let mut answers: BTreeMap<u32, EffectiveSettings> = BTreeMap::new();
    for _ in 0..running.count.max(1) * REQUESTS_PER_WORKER {
        // A connection of its own, so that it may be another worker's.
        let mut browser = trial.open(user, Vec::new()).await?;
        let said: EffectiveSettings = trial.ask(&mut *browser, Method::Get, ENDPOINT).await?;
        answers.insert(said.pid, said);
        if answers.len() >= running.count {
            break;
        }
    }
    // What one worker has read is not unread, even when the others had no request for it.
    let mut unread: Option<BTreeSet<String>> = None;
    for said in answers.values() {
        let these: BTreeSet<String> = said.unread.iter().cloned().collect();
        unread = Some(unread.map_or(these.clone(), |so_far| so_far.intersection(&these).cloned().collect()));
    }
    let unread: Vec<String> = unread.unwrap_or_default().into_iter().collect();
    let judge = |said: &EffectiveSettings| {
        measurements(&EffectiveSettings { unread: unread.clone(), ..said.clone() }, running, variables)
    };
    let mut measurements: Vec<Measurement> = answers.values().flat_map(judge).collect();
    if answers.len() < running.count {
        let summary = format!("{} of {} workers answered", answers.len(), running.count);
        measurements.push(measurement(
            Verdict::Inconclusive,
            running.resource.as_str(),
            summary,
            serde_json::Value::Null,
        ));
    }
    Ok(measurements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::ProcessFacts;

    fn copy() -> DetachedFacts {
        let process = |pid| ProcessFacts { pid, started_ticks: 7 };
        DetachedFacts {
            master: process(10),
            executable: "/usr/bin/python3".into(),
            command_line: Vec::new(),
            directory: "/copy".into(),
            workers: vec![process(11), process(12)],
            listening: Vec::new(),
            environment: BTreeMap::new(),
            written_files: Vec::new(),
        }
    }

    fn variables() -> BTreeMap<String, String> {
        [("MIGRATE_SESSIONS_KEY_PREFIX", "a:copy:"), ("MIGRATE_SESSIONS_WRITE", "both"), ("COLOR", "crimson")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn judged(answer: &str) -> (Vec<Verdict>, String) {
        let said: EffectiveSettings = serde_json::from_str(answer).expect("an answer");
        let measured = measurements(&said, &Running::copy(&copy()), &variables());
        let words: Vec<&str> = measured.iter().map(|each| each.summary.as_str()).collect();
        (measured.iter().map(|each| each.verdict).collect(), words.join("\n"))
    }

    #[test]
    fn what_is_in_force_and_read_passes() {
        let answer = r#"{"pid":11,"master":10,"settings":{"MIGRATE_SESSIONS_KEY_PREFIX":"a:copy:","MIGRATE_SESSIONS_WRITE":"both"},"unread":[]}"#;
        assert_eq!(judged(answer).0, [Verdict::Pass; 3]);
    }

    #[test]
    fn a_variable_that_nobody_reads_is_named() {
        let (verdicts, words) = judged(
            r#"{"pid":12,"master":10,"settings":{"MIGRATE_SESSIONS_KEY_PREFIX":"a:copy:","MIGRATE_SESSIONS_WRITE":"both"},"unread":["COLOR"]}"#,
        );
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::Abort]);
        assert!(words.contains("no code reads COLOR"), "{words}");
        assert!(!words.contains("crimson"), "{words}");
    }

    #[test]
    fn a_setting_that_changed_nothing_is_an_error() {
        for settings in [r#"{"MIGRATE_SESSIONS_WRITE":"redis"}"#, r#"{"MIGRATE_SESSIONS_WRITE":null}"#, "{}"] {
            let (verdicts, words) = judged(&format!(r#"{{"pid":11,"master":10,"settings":{settings},"unread":[]}}"#));
            assert_eq!(verdicts[1], Verdict::Abort, "{words}");
            assert!(words.contains("MIGRATE_SESSIONS_WRITE"), "{words}");
        }
    }

    #[test]
    fn somebody_elses_answer_does_not_count() {
        let answer = |pid, master| {
            format!(
                r#"{{"pid":{pid},"master":{master},"settings":{{"MIGRATE_SESSIONS_KEY_PREFIX":"a:copy:"}},"unread":[]}}"#
            )
        };
        assert_eq!(judged(&answer(11, 99)).0[0], Verdict::Abort);
        assert_eq!(judged(&answer(13, 10)).0[0], Verdict::Inconclusive);
    }
}
