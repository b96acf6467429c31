//! What can be seen of a process from outside: the model's and the shipped engine's alike.

use migrate::core::{Event, Facts, Failure, FailureClass, Holder, PlanDigest, RunId, Verdict};

use crate::operator::Command;
use crate::support::at;

/// Something a process does that can be seen from outside. The number is the index of a step in the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// It writes a line of the journal; [`bare`].
    Written(Event),
    /// It looks whether a thing is there.
    Looked(usize),
    /// It asks for a thing to be made or removed. Afterwards the things of all steps are so many, and of no use or not.
    Asked(usize, Vec<(u8, bool)>),
    /// Its gate, or the window that it watches, truly shows this.
    Found(usize, Verdict),
}

/// What happens, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TraceEntry {
    /// An operator starts a process.
    Started(Command),
    /// It does something.
    Did(Visible),
    /// It is killed.
    Died,
    /// It ends by itself.
    Ended,
}

/// An event without its texts, times, facts and evidence, which the model does not have.
pub fn bare(event: &Event) -> Event {
    let failure = || Failure::new(FailureClass::Permanent, "");
    let words = String::new;
    match event {
        Event::LeaseTaken { .. } => Event::LeaseTaken { holder: Holder::new(""), reason: words() },
        Event::RunOpened { .. } => {
            Event::RunOpened { run: RunId::new(""), rollout: words(), plan: PlanDigest(migrate::core::Digest::of(b"")) }
        }
        Event::StepSucceeded { step, .. } => {
            Event::StepSucceeded { step: step.clone(), facts: Facts::new(), evidence: Vec::new() }
        }
        Event::StepFailed { step, outcome, .. } => {
            Event::StepFailed { step: step.clone(), outcome: *outcome, failure: failure() }
        }
        Event::GateJudged { step, verdict, .. } => {
            Event::GateJudged { step: step.clone(), verdict: *verdict, reason: words(), evidence: Vec::new() }
        }
        Event::SoakObserved { step, seconds, .. } => {
            Event::SoakObserved { step: step.clone(), seconds: *seconds, window: None }
        }
        Event::RehearsalBegan { step, .. } => Event::RehearsalBegan { step: step.clone(), at: at(0) },
        Event::RehearsalTurned { step, .. } => Event::RehearsalTurned { step: step.clone(), at: at(0) },
        Event::RollbackStarted { to, .. } => Event::RollbackStarted { to: *to, reason: None },
        Event::UndoFailed { step, .. } => Event::UndoFailed { step: step.clone(), failure: failure() },
        Event::StuckSettled { step, resolution, later_verdicts, .. } => Event::StuckSettled {
            step: step.clone(),
            resolution: *resolution,
            by: words(),
            reason: words(),
            later_verdicts: *later_verdicts,
        },
        Event::LeaseReleased
        | Event::StepsPresumed { .. }
        | Event::PlanReplaced { .. }
        | Event::PhaseStarted { .. }
        | Event::PhasePassed { .. }
        | Event::StepStarted { .. }
        | Event::RollbackFinished { .. }
        | Event::UndoStarted { .. }
        | Event::UndoFinished { .. }
        | Event::Paused { .. }
        | Event::Approved { .. } => event.clone(),
    }
}
