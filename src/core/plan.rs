//! The plan: rollout.yaml and phases/ resolved to an immutable list of steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Digest, FactName, Phase, PlanDigest, StepId, StepKind, rollout::Rollout};

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
}

impl Contract {
    /// Whether success takes a verdict.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Gate | Self::Soak { .. })
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

    /// The title of a phase, as written in its file.
    pub fn title(&self, phase: Phase) -> &str {
        self.titles.get(&phase).map_or("", String::as_str)
    }

    /// The steps of a phase that this version cannot run.
    pub fn not_built(&self, phase: Phase) -> Vec<&PlannedStep> {
        self.steps_of(phase).filter(|step| step.availability == Availability::NotBuiltYet).collect()
    }
}
