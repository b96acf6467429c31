//! The plan: rollout.yaml and phases/ resolved to an immutable list of steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::rollout::{OnAbort, Rollout};
use super::{Digest, FactName, Phase, PlanDigest, StepId, StepKind, TargetName};

/// What a step promises, and so what its success takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contract {
    /// Looks and remembers.
    Observe,
    /// Changes the world, and can be undone.
    Change,
    /// Judges: succeeds only after a `Pass`.
    Gate,
    /// Judges over time: succeeds only after a `Pass` and this many observed seconds.
    Soak {
        /// Seconds that must have been observed.
        seconds: u64,
    },
    /// Has the engine undo and redo its phase, and judges that: succeeds only after a `Pass`.
    Rehearsal,
    /// Acts again and again on something of ours, judges what comes of it, and can be undone: succeeds only after a
    /// `Pass`.
    Exercise,
}

impl Contract {
    /// A soak of as long as rollout.yaml says: what a kind declares. Until [`Contract::on`] has filled in how long that
    /// is, it can never succeed.
    pub const SOAK: Self = Self::Soak { seconds: u64::MAX };

    /// The contract of a step at this site: a soak lasts as long as rollout.yaml says.
    #[must_use]
    pub fn on(self, rollout: &Rollout) -> Self {
        match self {
            Self::Soak { .. } => Self::Soak { seconds: rollout.soak.seconds() },
            other => other,
        }
    }

    /// Whether success takes a verdict.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Gate | Self::Soak { .. } | Self::Rehearsal | Self::Exercise)
    }

    /// Whether it leaves something that a rollback has to undo.
    pub fn changes(self) -> bool {
        matches!(self, Self::Change | Self::Exercise)
    }
}

/// Whether this version of `migrate` can run a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It can.
    Built,
    /// The kind is known and parses, but nothing runs it yet.
    NotBuiltYet,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its name in the journal.
    pub id: StepId,
    /// The phase it belongs to.
    pub phase: Phase,
    /// Its kind.
    pub kind: StepKind,
    /// Its settings, as written in `phases/`, less the id.
    pub settings: serde_json::Value,
    /// What its success takes.
    pub contract: Contract,
    /// Whether it can run.
    pub availability: Availability,
    /// Facts it needs.
    pub requires: Vec<FactName>,
    /// Facts it provides.
    pub provides: Vec<FactName>,
    /// The step before it that is undone at once when its verdict is Abort.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<StepId>,
    /// The production target it is repeated for, when it stands under `each_target`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetName>,
}

/// What `migrate` will do. Immutable; its digest is pinned by the run's first event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    rollout: Rollout,
    titles: BTreeMap<Phase, String>,
    steps: Vec<PlannedStep>,
    /// Digests of the files that phases install on targets.
    files: BTreeMap<String, Digest>,
    #[serde(skip, default = "not_computed")]
    digest: PlanDigest,
}

/// Stands in until [`Plan::new`] or [`Plan::from_json`] has computed the digest.
fn not_computed() -> PlanDigest {
    PlanDigest(Digest::zero())
}

impl Plan {
    /// Assembles a plan and computes its digest: SHA-256 over its JSON with sorted keys.
    ///
    /// # Errors
    /// When the content cannot be written as JSON (a map with keys that are not text).
    pub fn new(
        rollout: Rollout,
        titles: BTreeMap<Phase, String>,
        steps: Vec<PlannedStep>,
        files: BTreeMap<String, Digest>,
    ) -> Result<Self, serde_json::Error> {
        Self { rollout, titles, steps, files, digest: not_computed() }.sealed()
    }

    /// Reads a plan that was stored with [`Plan::to_json`].
    ///
    /// # Errors
    /// When the text is not a plan of this version.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Self>(text)?.sealed()
    }

    /// The plan as text, so that what a run is pinned to can be undone after its files have changed.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    fn sealed(mut self) -> Result<Self, serde_json::Error> {
        // Through a `Value`, whose maps are sorted: the digest must not depend on the order of fields in our types.
        let canonical = serde_json::to_vec(&serde_json::to_value(&self)?)?;
        self.digest = PlanDigest(Digest::of(&canonical));
        Ok(self)
    }

    /// The site.
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// The plan's SHA-256.
    pub fn digest(&self) -> &PlanDigest {
        &self.digest
    }

    /// Every step, in order.
    pub fn steps(&self) -> &[PlannedStep] {
        &self.steps
    }

    /// The steps of one phase, in order.
    pub fn steps_of(&self, phase: Phase) -> impl Iterator<Item = &PlannedStep> {
        self.steps.iter().filter(move |step| step.phase == phase)
    }

    /// A step by its name.
    pub fn step(&self, id: &StepId) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| &step.id == id)
    }

    /// What a gate's Abort has undone: the step that it guards, and what the phase builds on that, which is everything
    /// after it but what is for other targets. Mostly that is not there yet; when a phase is walked again, it may be. Empty when the gate guards
    /// nothing, or when rollout.yaml has production wait for a person.
    pub fn guarded(&self, gate: &PlannedStep) -> Vec<&PlannedStep> {
        if gate.phase == Phase::Production && self.rollout.production.on_abort == OnAbort::Wait {
            return Vec::new();
        }
        let Some(guarded) = &gate.guards else { return Vec::new() };
        let from_it = self.steps_of(gate.phase).skip_while(|step| &step.id != guarded);
        let is_apart = |step: &PlannedStep| match (&step.target, &gate.target) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        };
        from_it.filter(|step| !is_apart(step)).collect()
    }

    /// The title of a phase, as written in its file.
    pub fn title(&self, phase: Phase) -> &str {
        self.titles.get(&phase).map_or("", String::as_str)
    }

    /// Digests of the files that phases install on targets, by path below `phases/`.
    pub fn files(&self) -> &BTreeMap<String, Digest> {
        &self.files
    }

    /// The steps of a phase that this version cannot run.
    pub fn not_built(&self, phase: Phase) -> Vec<&PlannedStep> {
        self.steps_of(phase).filter(|step| step.availability == Availability::NotBuiltYet).collect()
    }
}
