//! What happened. Past tense; the journal holds nothing else, and state comes from nothing else.

use serde::{Deserialize, Serialize};

use super::{
    Contract, EvidenceRef, Facts, Failure, Fence, Holder, Outcome, Phase, PlanDigest, RunId, SoakWindow, StepId,
    Verdict,
};

/// An event, with the fencing number of the lease under which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stamped {
    /// The writer's lease.
    pub fence: Fence,
    /// What happened.
    pub event: Event,
}

/// How a person settled a stuck step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The undo is to be tried again.
    Retried,
    /// It counts as done again, for the way forward.
    Adopted,
    /// The thing is gone or is nobody's business any more: it counts as undone.
    Forgotten,
}

/// Whether the verdicts on a step's thing, and on what was made of it, still count after the step was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaterVerdicts {
    /// They count. Journals from before the field existed mean this.
    #[default]
    Count,
    /// They were given on a thing that may be gone: every later gate judges again.
    Dropped,
}

impl LaterVerdicts {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    fn count(&self) -> bool {
        matches!(self, Self::Count)
    }
}

/// A step that may have run before the journal was lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PresumedStep {
    /// Which.
    pub step: StepId,
    /// Its phase.
    pub phase: Phase,
    /// What its success takes.
    pub contract: Contract,
}

/// Something that happened. Version 1 of the journal's vocabulary; see `docs/formats.md`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// Somebody became the only writer.
    LeaseTaken {
        /// Who.
        holder: Holder,
        /// For what.
        reason: String,
    },
    /// The writer let go.
    LeaseReleased,
    /// A run began under this plan.
    RunOpened {
        /// The run.
        run: RunId,
        /// The rollout's name.
        rollout: String,
        /// The plan it is pinned to.
        plan: PlanDigest,
    },
    /// The journal was lost: steps that may have run, as far as the world shows. Each is then treated as unknown.
    StepsPresumed {
        /// Which, in the order in which they would have run.
        steps: Vec<PresumedStep>,
        /// What made us think so.
        reason: String,
    },
    /// An operator accepted changed files.
    PlanReplaced {
        /// The new plan.
        plan: PlanDigest,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// An operator asked for a phase.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// Its steps, in order; all must have succeeded before it passes.
        steps: Vec<StepId>,
    },
    /// Every step of the phase has succeeded.
    PhasePassed {
        /// Which.
        phase: Phase,
    },
    /// Intent: a step is about to act.
    StepStarted {
        /// Which.
        step: StepId,
        /// Its phase.
        phase: Phase,
        /// What its success takes.
        contract: Contract,
    },
    /// A step did what it promised.
    StepSucceeded {
        /// Which.
        step: StepId,
        /// What it learnt.
        #[serde(default, skip_serializing_if = "Facts::is_empty")]
        facts: Facts,
        /// What it measured.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<EvidenceRef>,
    },
    /// A step failed; the run stops here until somebody decides.
    StepFailed {
        /// Which.
        step: StepId,
        /// What it may have left behind.
        outcome: Outcome,
        /// Why.
        failure: Failure,
    },
    /// A gate or a soak was judged.
    GateJudged {
        /// Which step.
        step: StepId,
        /// The verdict.
        verdict: Verdict,
        /// In words.
        reason: String,
        /// What it was judged on.
        evidence: Vec<EvidenceRef>,
    },
    /// Time was observed under a soak's gates. Time nobody observed is in no event.
    SoakObserved {
        /// Which step.
        step: StepId,
        /// Seconds of it that count: none of a window that was quiet, on hold or could not be seen.
        seconds: u64,
        /// What was seen in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        window: Option<SoakWindow>,
    },
    /// A rehearsal of the rollback began: what its phase has changed is undone next.
    RehearsalBegan {
        /// Which step.
        step: StepId,
        /// When.
        at: jiff::Timestamp,
    },
    /// A rehearsal has undone its phase: it is redone next.
    RehearsalTurned {
        /// Which step.
        step: StepId,
        /// When.
        at: jiff::Timestamp,
    },
    /// An operator or on-call asked to go back.
    RollbackStarted {
        /// The phase whose end state is wanted.
        to: Phase,
        /// Why, when they said it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Everything after that phase has been undone.
    RollbackFinished {
        /// The phase whose end state is reached.
        to: Phase,
    },
    /// Intent: a step is about to be undone.
    UndoStarted {
        /// Which.
        step: StepId,
    },
    /// A probe saw nothing of the step any more.
    UndoFinished {
        /// Which.
        step: StepId,
    },
    /// The step could not be undone: Stuck.
    UndoFailed {
        /// Which.
        step: StepId,
        /// Why, and what a person must look at.
        failure: Failure,
    },
    /// A person settled a stuck step.
    StuckSettled {
        /// Which.
        step: StepId,
        /// How.
        resolution: Resolution,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Whether later verdicts still count.
        #[serde(default, skip_serializing_if = "LaterVerdicts::count")]
        later_verdicts: LaterVerdicts,
    },
    /// The tool stopped before the end, cleanly.
    Paused {
        /// Why: the signal's name, or what is waited for.
        cause: String,
    },
    /// A person allowed a phase.
    Approved {
        /// Which.
        phase: Phase,
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// Until when.
        expires_at: jiff::Timestamp,
        /// For which plan.
        plan: PlanDigest,
    },
}

impl Event {
    /// A person settles a stuck step. An undo that is to be retried was reported as failed and may have happened all the
    /// same, so the verdicts given since on the thing no longer count.
    pub fn settled(step: StepId, resolution: Resolution, by: impl Into<String>, reason: impl Into<String>) -> Self {
        let later_verdicts = match resolution {
            Resolution::Retried => LaterVerdicts::Dropped,
            // Adopted: the person vouches for the thing. Forgotten: dropped in any case.
            Resolution::Adopted | Resolution::Forgotten => LaterVerdicts::Count,
        };
        Self::StuckSettled { step, resolution, by: by.into(), reason: reason.into(), later_verdicts }
    }
}
