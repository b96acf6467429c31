//! Where a run stands. Only replaying events makes one.

use std::collections::BTreeMap;

use super::{
    Approval, Contract, EvidenceRef, Facts, Failure, Fence, Holder, Outcome, Phase, PlanDigest, RunId, StepId, Verdict,
};

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
            failure: None,
        }
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
        let mut facts = Facts::new();
        for (_, record) in self.started().filter(|(_, record)| record.status != StepStatus::Undone) {
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
