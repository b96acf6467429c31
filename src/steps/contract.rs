//! The contract of a step. Two kinds of promise, two traits: an observer cannot change anything, because nothing it
//! is handed can.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::core::{ApplyPermit, Facts, Failure, Measurement, Plan, RunId, Statement, UndoPermit};
use crate::ports::{
    CacheConnector, Clock, CloudRead, CloudWrite, Progress, ProgressSink, SecretSource, TargetsRead, TargetsWrite,
    WritableTarget, WriteFailure,
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

    /// Makes it. Called only when a probe has just said `Absent`. Does not wait.
    async fn apply(&self, context: &WriteContext<'_>, permit: &ApplyPermit) -> Result<(), WriteFailure>;

    /// Waits until it is usable and says what there is to know. Reads only; may be dropped and called again.
    async fn settle(&self, context: &ReadContext<'_>) -> Result<Facts, Failure>;

    /// Measures that it does what it should.
    async fn verify(&self, context: &ReadContext<'_>, facts: &Facts) -> Result<Vec<Measurement>, Failure>;

    /// Asks for its removal. Called only when a probe has just said `Ours`. Does not wait: the engine probes until
    /// it is gone. A `Transient` failure (still in use) is asked again later.
    async fn undo(&self, context: &WriteContext<'_>, permit: &UndoPermit) -> Result<(), WriteFailure>;
}

/// A step, ready to run.
pub enum Step {
    /// It looks.
    Observe(Box<dyn Observe>),
    /// It changes.
    Change(Box<dyn Change>),
}

impl Step {
    /// IAM actions it needs.
    pub fn actions(&self, rollout: &crate::core::rollout::Rollout) -> Vec<Statement> {
        match self {
            Self::Observe(step) => step.actions(rollout),
            Self::Change(step) => step.actions(rollout),
        }
    }
}
