//! The contract of a step. Two kinds of promise, two traits: an observer cannot change anything, because nothing it
//! is handed can.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::core::{ApplyPermit, Facts, Failure, Measurement, Plan, RunId, Statement, UndoPermit};
use crate::ports::{
    Browsers, CacheConnector, CacheWrite, Clock, CloudRead, CloudWrite, LoadGenerator, LocalFiles, Progress,
    ProgressSink, SecretSource, TargetsRead, TargetsWrite, WritableTarget, WriteFailure,
};

/// The ports a step may read through.
#[derive(Clone)]
pub struct ReadPorts {
    /// AWS.
    pub cloud: Arc<dyn CloudRead>,
    /// Hosts.
    pub targets: Arc<dyn TargetsRead>,
    /// The session store.
    pub cache: Arc<dyn CacheConnector>,
    /// The auth token.
    pub secrets: Arc<dyn SecretSource>,
    /// Simulated users of the application, as many as are wanted.
    pub load: Arc<dyn LoadGenerator>,
    /// Simulated users whose every answer is looked at.
    pub browsers: Arc<dyn Browsers>,
    /// What is put on targets.
    pub local: Arc<dyn LocalFiles>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The ports a step may write through, given a permit.
#[derive(Clone)]
pub struct WritePorts {
    /// AWS.
    pub cloud: Arc<dyn CloudWrite>,
    /// Hosts.
    pub targets: Arc<dyn TargetsWrite>,
    /// The session store.
    pub cache: Arc<dyn CacheWrite>,
}

/// What a step sees of the world. Nothing in here changes anything.
pub struct ReadContext<'a> {
    /// The plan, and in it the site.
    pub plan: &'a Plan,
    /// What earlier steps learnt. Empty when the journal was lost: `probe` and `undo` must do without.
    pub facts: &'a Facts,
    /// Relative paths in rollout.yaml start here.
    pub base_directory: &'a PathBuf,
    /// The ports.
    pub ports: &'a ReadPorts,
    /// Where news of long work goes.
    pub progress: &'a dyn ProgressSink,
}

impl ReadContext<'_> {
    /// The site.
    pub fn rollout(&self) -> &crate::core::rollout::Rollout {
        self.plan.rollout()
    }

    /// Passes on a line of news.
    pub fn say(&self, message: impl Into<String>) {
        self.progress.report(Progress::message(message));
    }
}

/// What a step may change, given a permit.
pub struct WriteContext<'a> {
    /// What it sees.
    pub read: &'a ReadContext<'a>,
    /// The run, for tags.
    pub run: &'a RunId,
    /// The writing ports.
    pub ports: &'a WritePorts,
    /// Production targets that may be written on now: empty before phase 4.
    pub production: &'a [WritableTarget],
}

/// What a plan says a step would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// One line per thing.
    pub lines: Vec<DiffLine>,
    /// US dollars a month this adds, when it costs anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_usd: Option<u32>,
}

/// One thing a step would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// What would happen to it.
    pub action: DiffAction,
    /// The thing, in words.
    pub what: String,
}

/// What would happen to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffAction {
    /// It would be made.
    Create,
    /// It is there and ours, and would be used.
    Adopt,
    /// It would be changed.
    Change,
    /// It would be looked at.
    Read,
    /// It is there and not ours: the step would refuse.
    Refuse,
    /// Nothing would happen to it.
    Keep,
}

impl Diff {
    /// A diff of one line.
    pub fn one(action: DiffAction, what: impl Into<String>) -> Self {
        Self { lines: vec![DiffLine { action, what: what.into() }], monthly_usd: None }
    }

    /// The usual diff of something that is made when it is absent.
    pub fn of_presence(presence: &Presence, what: impl Into<String>) -> Self {
        let what = what.into();
        match presence {
            Presence::Absent => Self::one(DiffAction::Create, what),
            Presence::Ours(Condition::Usable | Condition::Settling(_)) => Self::one(DiffAction::Adopt, what),
            Presence::Ours(Condition::Unfinished) => {
                Self::one(DiffAction::Create, format!("{what} (goes on with what is there)"))
            }
            Presence::Ours(Condition::Leaving) => {
                Self::one(DiffAction::Create, format!("{what} (after the old one is gone)"))
            }
            Presence::Ours(Condition::Broken(why)) => {
                Self::one(DiffAction::Create, format!("{what} (replaces ours: {why})"))
            }
            Presence::Foreign(whose) => Self::one(DiffAction::Refuse, whose.clone()),
        }
    }
}

/// What a probe found. Decides what a crash left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing with our name.
    Absent,
    /// Ours, by tag.
    Ours(Condition),
    /// Somebody else's, and why we think so.
    Foreign(String),
}

/// How a thing of ours is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    Usable,
    /// On its way there.
    Settling(String),
    /// Half made: `apply` goes on with it.
    Unfinished,
    /// On its way out.
    Leaving,
    /// It will never be usable: it has to go before a new one can be made.
    Broken(String),
}

/// What an observer found out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// For later steps.
    pub facts: Facts,
    /// For the record. A gate's verdict is the worst of these; without any it is `Inconclusive`.
    pub measurements: Vec<Measurement>,
    /// What failed, when a bad verdict has its own words and its own exit code.
    pub failure: Option<Failure>,
}

/// A step that looks. It has no undo because there is nothing to undo.
#[async_trait]
pub trait Observe: Send + Sync {
    /// What it would look at.
    fn plan(&self, rollout: &crate::core::rollout::Rollout) -> Diff;

    /// IAM actions it needs.
    fn actions(&self, _rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        Vec::new()
    }

    /// Looks. May be called any number of times.
    ///
    /// # Errors
    /// When it could not look. A bad finding is not an error: it is a measurement with a verdict.
    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure>;
}

/// A step that changes something, and can put it back.
///
/// `probe` and `undo` work from names and tags alone: they are all there is when the journal is lost.
#[async_trait]
pub trait Change: Send + Sync {
    /// What it would do.
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure>;

    /// IAM actions it needs, those of its undo included.
    fn actions(&self, _rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        Vec::new()
    }

    /// Looks whether it is there already, and whose it is.
    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure>;

    /// Makes it. Called only when a probe has just said `Absent`, or `Unfinished`. Does not wait.
    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure>;

    /// Waits until it is usable and says what there is to know. Reads only; may be dropped and called again.
    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure>;

    /// Measures that it does what it should.
    async fn verify(&self, context: &ReadContext<'_>, facts: &Facts) -> Result<Vec<Measurement>, Failure>;

    /// Asks for its removal. Called only when a probe has just said `Ours`. Does not wait: the engine probes until
    /// it is gone. A `Transient` failure (still in use) is asked again later.
    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure>;
}

/// A step that acts again and again on something of ours, judges what comes of it, and can put it back: trying worker
/// counts, for one. It writes as often as it needs to under one permit, so every write has to name the whole state it
/// sets: then it does not matter which of them a crash left done, and beginning again is harmless.
#[async_trait]
pub trait Exercise: Send + Sync {
    /// What it would do.
    async fn plan(&self, context: &ReadContext<'_>) -> Result<Diff, Failure>;

    /// IAM actions it needs, those of its undo included.
    fn actions(&self, _rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        Vec::new()
    }

    /// Looks whether anything is left of it: `Absent` when all is as before it.
    async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure>;

    /// Acts and judges. Whatever the verdict, what it acts on is left in the best state it has seen.
    ///
    /// # Errors
    /// When it could not act or look. A bad finding is not an error: it is a measurement with a verdict.
    async fn perform(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<Observation, WriteFailure>;

    /// Asks for everything to be as before it. As [`Change::undo`].
    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure>;
}

/// What one window of a soak showed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Watched {
    /// How many seconds of the window were observed: 0 when there was not enough to see. More than the window took is
    /// not believed, and nothing counts unless the verdict is a pass.
    pub seconds: u64,
    /// Requests of users seen in it.
    pub requests: u64,
    /// What its gates say, and what the step wants to know again in the next window, as facts. Those stand in the
    /// journal once a window, so keep them small.
    pub observation: Observation,
}

/// A step that watches: looks again and again, until enough time was observed.
#[async_trait]
pub trait Watch: Send + Sync {
    /// What it would watch.
    fn plan(&self, rollout: &crate::core::rollout::Rollout) -> Diff;

    /// IAM actions it needs.
    fn actions(&self, _rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        Vec::new()
    }

    /// Looks once, for about as long as `window`, and judges what it saw. Reads only; may be dropped at any moment.
    /// `Abort` ends the soak at once; `Hold` and `Inconclusive` go on, and the window does not count.
    ///
    /// # Errors
    /// When it could not look. What is worth another try is a gap in the soak; anything else ends it.
    async fn watch(&self, context: &ReadContext<'_>, window: Duration) -> Result<Watched, Failure>;
}

/// A step, ready to run.
pub enum Step {
    /// It looks.
    Observe(Box<dyn Observe>),
    /// It changes.
    Change(Box<dyn Change>),
    /// It acts and judges.
    Exercise(Box<dyn Exercise>),
    /// It watches.
    Watch(Box<dyn Watch>),
}

/// The way back of a step that has one.
#[derive(Clone, Copy)]
pub enum Undoable<'a> {
    /// A change's.
    Change(&'a dyn Change),
    /// An exercise's.
    Exercise(&'a dyn Exercise),
}

impl Undoable<'_> {
    /// Looks whether anything is left of it.
    ///
    /// # Errors
    /// When it could not look.
    pub async fn probe(&self, context: &ReadContext<'_>) -> Result<Presence, Failure> {
        match self {
            Self::Change(step) => step.probe(context).await,
            Self::Exercise(step) => step.probe(context).await,
        }
    }

    /// Asks for its removal.
    ///
    /// # Errors
    /// When it was refused, or nobody knows.
    pub async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure> {
        match self {
            Self::Change(step) => step.undo(context, permit).await,
            Self::Exercise(step) => step.undo(context, permit).await,
        }
    }
}

impl Step {
    /// IAM actions it needs.
    pub fn actions(&self, rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        match self {
            Self::Observe(step) => step.actions(rollout),
            Self::Change(step) => step.actions(rollout),
            Self::Exercise(step) => step.actions(rollout),
            Self::Watch(step) => step.actions(rollout),
        }
    }

    /// The way back, when there is one.
    pub fn undoable(&self) -> Option<Undoable<'_>> {
        match self {
            Self::Observe(_) | Self::Watch(_) => None,
            Self::Change(step) => Some(Undoable::Change(step.as_ref())),
            Self::Exercise(step) => Some(Undoable::Exercise(step.as_ref())),
        }
    }
}
