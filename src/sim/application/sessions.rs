//! What a simulated application does with sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::rollout::{Method, Rollout};

/// Where an application keeps its sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionPlace {
    /// In files of its own.
    Files,
    /// In the store that was created.
    Cluster,
    /// In another store, by endpoint (`host:port`).
    Store(String),
}

/// An application's sessions and workers.
#[derive(Debug, Clone)]
pub struct SimulatedSessions {
    /// What the session cookie is called.
    pub cookie: String,
    /// Where sessions are kept.
    pub place: SessionPlace,
    /// What keys in a store begin with.
    pub prefix: String,
    /// Another application, by endpoint, whose files the sessions are written to as well.
    pub spills_into: Option<String>,
    /// Requests that are not answered as expected, by title, and what is said then.
    pub broken: BTreeMap<String, String>,
    /// Requests that end the session, by title.
    pub signs_out: BTreeSet<String>,
    /// Whether every request with a session ends in a 500. Without one, all is well.
    pub fails_with_a_session: bool,
    /// Whether every request ends in a 500, but those of the trial endpoints.
    pub fails: bool,
    /// Whether a session that is read is another one from then on, as its cookie is.
    pub renews_ids: bool,
    /// How many workers answer, in turn; `None` is as many as run, or two.
    pub workers: Option<u32>,
    /// Paths whose state is kept in the worker that was last written to, instead of the session; and what a wrong answer
    /// says.
    pub kept_per_worker: BTreeMap<String, String>,
    /// Whether answers name the worker.
    pub names_workers: bool,
    /// Whether a request to restart the workers does anything.
    pub restarts: bool,
    /// How long it takes until new workers answer.
    pub restart_takes: Duration,
    /// The endpoints that only a copy has.
    pub trial: Option<SimulatedTrial>,
    /// The application beside which this one is tried, when it is: there only while a Gunicorn of ours listens, and with
    /// the other one's sessions.
    pub on_trial_beside: Option<String>,
    pub(super) opened: BTreeMap<String, Opened>,
    pub(super) served: u32,
    pub(super) generation: u32,
    pub(super) restarted_at: Option<Duration>,
}

/// The trial endpoints.
#[derive(Debug, Clone, Default)]
pub struct SimulatedTrial {
    /// The token they ask for; `None` takes any.
    pub token: Option<String>,
    /// What the copy says its keys begin with, when that is not the truth.
    pub says_prefix: Option<String>,
    /// The master that it names, when that is not the truth.
    pub says_master: Option<u32>,
    /// Variables that the application never reads.
    pub unread: Vec<String>,
    /// Settings that are something else than they were set to, by name.
    pub other_settings: BTreeMap<String, String>,
    /// The types that are tried.
    pub types: Vec<String>,
    /// Values that do not come back as they were.
    pub damage: Vec<Damage>,
}

/// A value that does not come back as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The value's name.
    pub name: String,
    /// What it was.
    pub expected: String,
    /// What came back; `None` when nothing did.
    pub found: Option<String>,
    /// What damages it.
    pub by: DamagedBy,
}

/// What damages a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamagedBy {
    /// Being read at all.
    Reading,
    /// Being read in another worker than the one that wrote it.
    AnotherWorker,
    /// A restart of the workers.
    Restart,
}

/// An open session.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// Whose.
    pub user: u32,
    /// The worker and the generation of workers that put the types in.
    pub types_by: Option<(u32, u32)>,
    /// The worker that was last written to, by path.
    pub written_by: BTreeMap<String, u32>,
    /// What was written, by the name that it is extracted by.
    pub data: BTreeMap<String, String>,
    /// Whether only a file has it: it was opened before there was a store, and not asked for since.
    pub is_only_in_a_file: bool,
}

impl Opened {
    /// A new session.
    pub fn by(user: u32) -> Self {
        Self { user, types_by: None, written_by: BTreeMap::new(), data: BTreeMap::new(), is_only_in_a_file: false }
    }
}

impl Default for SimulatedSessions {
    /// An application as it was before the migration.
    fn default() -> Self {
        Self {
            cookie: "session".to_owned(),
            place: SessionPlace::Files,
            prefix: "session:".to_owned(),
            spills_into: None,
            broken: BTreeMap::new(),
            signs_out: BTreeSet::from(["POST /logout".to_owned()]),
            fails_with_a_session: false,
            fails: false,
            renews_ids: false,
            workers: None,
            kept_per_worker: BTreeMap::new(),
            names_workers: true,
            restarts: true,
            restart_takes: Duration::from_secs(4),
            trial: None,
            on_trial_beside: None,
            opened: BTreeMap::new(),
            served: 0,
            generation: 0,
            restarted_at: None,
        }
    }
}

impl SimulatedSessions {
    /// A test copy as phase 2 makes it.
    pub fn of_copy(rollout: &Rollout) -> Self {
        let types = ["DataFrame", "Timestamp", "Decimal", "tuple"].map(str::to_owned).to_vec();
        Self {
            cookie: format!("{}_copy_session", rollout.name.as_str().replace('-', "_")),
            place: SessionPlace::Cluster,
            prefix: format!("{}:copy:", rollout.name),
            trial: Some(SimulatedTrial { types, ..SimulatedTrial::default() }),
            ..Self::default()
        }
    }

    /// Goes from the original to a release, as a switch does: the session files stay, new sessions are in the store, too.
    pub fn go_to_release(&mut self, rollout: &str) {
        self.place = SessionPlace::Cluster;
        self.prefix = format!("{rollout}:live:");
        self.trial = Some(SimulatedTrial::default());
        self.names_workers = false;
    }

    /// Goes back to the original, which finds in its files what the release has written to both.
    pub fn go_to_original(&mut self) {
        let Self { opened, served, .. } = std::mem::take(self);
        *self = Self { opened, served, ..Self::default() };
        self.opened.values_mut().for_each(|opened| opened.is_only_in_a_file = true);
    }

    /// Forgets so many sessions.
    pub fn forget(&mut self, sessions: usize) {
        let lost: Vec<String> = self.opened.keys().take(sessions).cloned().collect();
        self.opened.retain(|sid, _| !lost.contains(sid));
    }

    /// Changes what every session holds.
    pub fn alter_data(&mut self) {
        self.opened
            .values_mut()
            .flat_map(|opened| opened.data.values_mut())
            .for_each(|value| value.push_str(" altered"));
    }

    /// Takes the owner of every session for somebody else.
    pub fn mix_up(&mut self) {
        self.opened.values_mut().for_each(|opened| opened.user += 1);
    }

    /// The worker that answers now.
    pub(super) fn next_worker(&mut self, now: Duration, running: Option<usize>) -> u32 {
        if self.restarted_at.is_some_and(|since| now >= since + self.restart_takes) {
            self.restarted_at = None;
            self.generation += 1;
        }
        self.served += 1;
        self.pid(self.served % self.answering(running))
    }

    /// What is wrong about an answer because another worker keeps what it is about.
    pub(super) fn misremembered(&mut self, sid: &str, method: Method, path: &str, pid: u32) -> Option<String> {
        let wrong = self.kept_per_worker.get(path)?;
        let opened = self.opened.entry(sid.to_owned()).or_insert_with(|| Opened::by(0));
        if method != Method::Get {
            opened.written_by.insert(path.to_owned(), pid);
            return None;
        }
        opened.written_by.get(path).filter(|writer| **writer != pid).map(|_| wrong.clone())
    }

    /// How many workers answer, of so many that run.
    pub(super) fn answering(&self, running: Option<usize>) -> u32 {
        let running = running.and_then(|count| u32::try_from(count).ok()).unwrap_or(2);
        self.workers.unwrap_or(running).max(1)
    }

    pub(super) fn pid(&self, worker: u32) -> u32 {
        2_000 + self.generation * 100 + worker
    }
}
