//! What to do next. A pure function of where the run stands and of the plan.

use super::{
    Contract, Direction, Phase, Plan, PlannedStep, Rehearsal, RunState, StepId, StepRecord, StepStatus, tripped,
};

/// The next thing for the engine to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Take a step forward: journal the intent, probe, act, verify, journal the result.
    Apply(StepId),
    /// Take a step back: journal the intent, probe, undo, see it gone, journal the result.
    Undo(StepId),
    /// A gate that guards something said Abort, and a crash kept it from being called failed: say so.
    Fail(StepId),
    /// A rehearsal of the rollback is due: journal that it begins.
    BeginRehearsal(StepId),
    /// A rehearsal has undone its phase: say so.
    TurnRehearsal(StepId),
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
    // Before anything else, and also when nothing is under way: what a gate's Abort condemned does not wait for a command.
    if let Some(gate) = tripped(state, plan) {
        return undo_guarded(state, plan, gate);
    }
    match state.direction() {
        Direction::Idle => None,
        Direction::Forward(phase) => forward(state, plan, phase),
        Direction::Back(to) => back(state, to),
    }
}

fn undo_guarded(state: &RunState, plan: &Plan, gate: &PlannedStep) -> Option<Effect> {
    // The failure first: an undo forgets what was judged on the thing, and why it was undone has to stay known.
    if state.status(&gate.id) == Some(StepStatus::Started) {
        return Some(Effect::Fail(gate.id.clone()));
    }
    let guarded = plan.guarded(gate);
    let wanted = |(id, record): &(&StepId, &StepRecord)| record.stands() && guarded.iter().any(|step| &step.id == *id);
    let (id, record) = state.started().rfind(wanted)?;
    (record.status != StepStatus::Stuck).then(|| Effect::Undo(id.clone()))
}

fn forward(state: &RunState, plan: &Plan, phase: Phase) -> Option<Effect> {
    if let Some(rehearsal) = state.rehearsal_going_back(phase) {
        let in_phase = |record: &StepRecord| record.phase == phase && record.stands();
        return undo_newest(state, in_phase, Effect::TurnRehearsal(rehearsal.clone()));
    }
    for step in plan.steps_of(phase) {
        match state.status(&step.id) {
            Some(StepStatus::Succeeded) => {}
            Some(StepStatus::Stuck) => return None,
            // Something of ours was broken and is being removed before it is made again.
            Some(StepStatus::Undoing) => return Some(Effect::Undo(step.id.clone())),
            None | Some(StepStatus::Started | StepStatus::Failed(_) | StepStatus::Undone) => {
                let redone = state.step(&step.id).and_then(StepRecord::rehearsing) == Some(Rehearsal::Forth);
                let is_due = step.contract == Contract::Rehearsal && !redone;
                let effect = if is_due { Effect::BeginRehearsal } else { Effect::Apply };
                return Some(effect(step.id.clone()));
            }
        }
    }
    Some(Effect::PassPhase(phase))
}

fn back(state: &RunState, to: Phase) -> Option<Effect> {
    undo_newest(state, |record| record.stands_beyond(to), Effect::FinishRollback(to))
}

/// The undo of the newest of these; `done` when there are none. What only looked left nothing to undo.
fn undo_newest(state: &RunState, wanted: impl Fn(&StepRecord) -> bool, done: Effect) -> Option<Effect> {
    match state.started().rfind(|(_, record)| wanted(record)) {
        None => Some(done),
        Some((_, record)) if record.status == StepStatus::Stuck => None,
        Some((id, _)) => Some(Effect::Undo(id.clone())),
    }
}
