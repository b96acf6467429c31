//! What to do next. A pure function of where the run stands and of the plan.

use super::{Contract, Direction, Phase, Plan, RunState, StepId, StepRecord, StepStatus};

/// The next thing for the engine to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Take a step forward: journal the intent, probe, act, verify, journal the result.
    Apply(StepId),
    /// Take a step back: journal the intent, probe, undo, see it gone, journal the result.
    Undo(StepId),
    /// Every step has succeeded: say so.
    PassPhase(Phase),
    /// Everything is undone: say so.
    FinishRollback(Phase),
}

/// The next effect, or `None` when the run waits for a person.
///
/// A crash leaves a step `Started` or `Undoing`; the answer is then the same effect again, and the engine's probe
/// finds out what the crash left behind.
pub fn decide(state: &RunState, plan: &Plan) -> Option<Effect> {
    match state.direction() {
        Direction::Idle => None,
        Direction::Forward(phase) => forward(state, plan, phase),
        Direction::Back(to) => back(state, to),
    }
}

fn forward(state: &RunState, plan: &Plan, phase: Phase) -> Option<Effect> {
    for step in plan.steps_of(phase) {
        match state.status(&step.id) {
            Some(StepStatus::Succeeded) => {}
            Some(StepStatus::Stuck) => return None,
            // Something of ours was broken and is being removed before it is made again.
            Some(StepStatus::Undoing) => return Some(Effect::Undo(step.id.clone())),
            None | Some(StepStatus::Started | StepStatus::Failed(_) | StepStatus::Undone) => {
                return Some(Effect::Apply(step.id.clone()));
            }
        }
    }
    Some(Effect::PassPhase(phase))
}

fn back(state: &RunState, to: Phase) -> Option<Effect> {
    // What only looked left nothing to undo.
    let changed = |record: &StepRecord| record.phase > to && record.contract == Contract::Change;
    for (id, record) in state.started().rev().filter(|(_, record)| changed(record)) {
        match record.status {
            StepStatus::Undone => {}
            StepStatus::Stuck => return None,
            StepStatus::Started | StepStatus::Succeeded | StepStatus::Failed(_) | StepStatus::Undoing => {
                return Some(Effect::Undo(id.clone()));
            }
        }
    }
    Some(Effect::FinishRollback(to))
}
