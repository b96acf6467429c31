//! Where a run stands. Only replaying events makes one.

use std::collections::BTreeMap;

use super::{
    Approval, Contract, EvidenceRef, Fact, Facts, Failure, Fence, Holder, Outcome, Phase, Plan, PlanDigest,
    PlannedStep, Rehearsal, RunId, SoakTally, StepId, Verdict,
};

/// The fact that lists the production targets on which phase 4 has acted. The engine's own: no step provides it.
pub const ACTED_ON: Fact<Vec<String>> = Fact::new("production.acted_on");

/// Which way the run is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Direction {
    /// Nowhere: waits for a command.
    #[default]
    Idle,
    /// Through this phase.
    Forward(Phase),
    /// Back to the end state of this phase.
    Back(Phase),
}

/// How far one step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepStatus {
    /// An intent is journalled, no result: it may or may not have acted.
    Started,
    /// It did what it promised.
    Succeeded,
    /// It failed.
    Failed(Outcome),
    /// An undo is journalled, no result.
    Undoing,
    /// A probe saw nothing of it any more.
    Undone,
    /// Its undo failed: a person must look.
    Stuck,
}

impl std::fmt::Display for StepStatus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed(_) => "failed",
            Self::Undoing => "being undone",
            Self::Undone => "undone",
            Self::Stuck => "stuck",
        })
    }
}

/// What the journal says of one step.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StepRecord {
    /// Its phase.
    pub phase: Phase,
    /// How far it is.
    pub status: StepStatus,
    /// What its success takes.
    pub contract: Contract,
    /// How often it was started since it last was undone.
    pub attempts: u32,
    /// What it learnt.
    pub facts: Facts,
    /// What it measured.
    pub evidence: Vec<EvidenceRef>,
    /// The last verdict of its gate.
    pub verdict: Option<Verdict>,
    /// Observed seconds of its soak.
    pub observed_seconds: u64,
    /// The windows of its soak.
    pub soak: SoakTally,
    /// How far its last rehearsal came; see [`StepRecord::rehearsing`] for one under way.
    pub rehearsal: Option<Rehearsal>,
    /// Why it failed, when it did.
    pub failure: Option<Failure>,
}

impl StepRecord {
    /// A record about which nothing more is known.
    pub(super) fn new(phase: Phase, contract: Contract, status: StepStatus) -> Self {
        Self {
            phase,
            status,
            contract,
            attempts: 0,
            facts: Facts::new(),
            evidence: Vec::new(),
            verdict: None,
            observed_seconds: 0,
            soak: SoakTally::default(),
            rehearsal: None,
            failure: None,
        }
    }

    /// Nothing of its soak counts any more.
    pub(super) fn unobserve(&mut self) {
        self.observed_seconds = 0;
        self.soak = SoakTally::default();
    }

    /// What it was about is gone, and what is known of it with it. Only why it failed stays known: a gate's Abort that
    /// had the thing undone is all there is to explain it.
    pub(super) fn forget(&mut self) {
        let fresh = Self::new(self.phase, self.contract, StepStatus::Undone);
        let before = std::mem::replace(self, fresh);
        let has_failed = matches!(before.status, StepStatus::Failed(_) | StepStatus::Undone);
        if has_failed && before.contract.is_judged() {
            (self.verdict, self.failure) = (before.verdict, before.failure);
        }
    }

    /// Whether it changed something that, as far as the journal knows, is not undone.
    pub fn stands(&self) -> bool {
        self.contract.changes() && self.status != StepStatus::Undone
    }

    /// Whether a rollback to the end state of `phase` has to undo it.
    pub fn stands_beyond(&self, phase: Phase) -> bool {
        self.phase > phase && self.stands()
    }
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct RunState {
    pub(super) run: Option<RunId>,
    pub(super) plan: Option<PlanDigest>,
    pub(super) fence: Fence,
    pub(super) holder: Option<Holder>,
    pub(super) direction: Direction,
    pub(super) steps: BTreeMap<StepId, StepRecord>,
    /// In the order in which they were first started; undone in reverse.
    pub(super) order: Vec<StepId>,
    /// The steps each started phase consists of.
    pub(super) phases: BTreeMap<Phase, Vec<StepId>>,
    pub(super) passed: Vec<Phase>,
    pub(super) approvals: BTreeMap<Phase, Approval>,
    pub(super) paused: Option<String>,
}

impl RunState {
    /// The run, once one is open.
    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// The plan the run is pinned to.
    pub fn plan(&self) -> Option<&PlanDigest> {
        self.plan.as_ref()
    }

    /// The last lease's fencing number.
    pub fn fence(&self) -> Fence {
        self.fence
    }

    /// Who holds the lease according to the journal: the last one that took it and did not let go.
    pub fn holder(&self) -> Option<&Holder> {
        self.holder.as_ref()
    }

    /// Which way it is going.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// What is known of a step; `None` when it was never started.
    pub fn step(&self, id: &StepId) -> Option<&StepRecord> {
        self.steps.get(id)
    }

    /// How far a step is; `None` when it was never started.
    pub fn status(&self, id: &StepId) -> Option<StepStatus> {
        self.steps.get(id).map(|record| record.status)
    }

    /// Every step that was ever started, in the order of their (latest) first start.
    pub fn started(&self) -> impl DoubleEndedIterator<Item = (&StepId, &StepRecord)> {
        self.order.iter().filter_map(|id| self.steps.get_key_value(id))
    }

    /// Everything that steps have learnt and that is not undone. A step that is walked again, or failed when it was,
    /// still knows what it learnt before.
    pub fn facts(&self) -> Facts {
        self.facts_of(|_| true)
    }

    /// The facts that a step may use: what steps of another target learnt about theirs is not for this one.
    pub fn facts_for(&self, plan: &Plan, step: &PlannedStep) -> Facts {
        let facts = self.facts_of(|id| {
            let target = plan.step(id).and_then(|other| other.target.as_ref());
            target.is_none() || target == step.target.as_ref()
        });
        let acted_on = self.acted_on(plan);
        if acted_on.is_empty() { facts } else { facts.with_fact(ACTED_ON, acted_on) }
    }

    /// The production targets on which phase 4 has begun to change something since phase 1 was walked, whether or not it
    /// was undone: a process that was replaced and replaced back is another one than before.
    fn acted_on(&self, plan: &Plan) -> Vec<String> {
        let is_early = |id: &StepId| self.steps.get(id).is_some_and(|record| record.phase <= Phase::Infrastructure);
        let since = self.order.iter().rposition(is_early).map_or(0, |position| position + 1);
        let started = |step: &&PlannedStep| self.order.iter().skip(since).any(|id| id == &step.id);
        let changes = plan.steps_of(Phase::Production).filter(|step| step.contract.changes()).filter(started);
        let mut names: Vec<String> = changes.filter_map(|step| Some(step.target.as_ref()?.to_string())).collect();
        names.dedup();
        names
    }

    fn facts_of(&self, wanted: impl Fn(&StepId) -> bool) -> Facts {
        let mut facts = Facts::new();
        let stands = |record: &StepRecord| record.status != StepStatus::Undone;
        for (_, record) in self.started().filter(|(id, record)| stands(record) && wanted(id)) {
            facts.extend(&record.facts);
        }
        facts
    }

    /// Whether a phase has passed and has not been rolled back since.
    pub fn has_passed(&self, phase: Phase) -> bool {
        self.passed.contains(&phase)
    }

    /// The highest phase of which something was started and is not undone.
    pub fn furthest_phase(&self) -> Option<Phase> {
        self.started().filter(|(_, record)| record.status != StepStatus::Undone).map(|(_, record)| record.phase).max()
    }

    /// The step whose undo failed, when there is one.
    pub fn stuck(&self) -> Option<(&StepId, &StepRecord)> {
        self.started().find(|(_, record)| record.status == StepStatus::Stuck)
    }

    /// The standing approval of a phase, whatever its age.
    pub fn approval(&self, phase: Phase) -> Option<&Approval> {
        self.approvals.get(&phase)
    }

    /// Why it stopped before the end, when it did so cleanly.
    pub fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }
}
