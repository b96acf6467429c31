//! Guards: a gate or a soak that says Abort has what it guards undone at once, without anybody typing anything.

use super::{Direction, Plan, PlannedStep, RunState, StepRecord, StepStatus, Verdict};

/// The gate whose Abort has something left to undo: it said Abort, and something that it guards stands.
///
/// It stays tripped until that is undone, whatever process comes next: a crash between the verdict and the undo changes
/// nothing. Asking for its phase again before that does not judge it anew. A rollback under way undoes it in its turn.
pub fn tripped<'p>(state: &RunState, plan: &'p Plan) -> Option<&'p PlannedStep> {
    if matches!(state.direction(), Direction::Back(_)) {
        return None;
    }
    // Undone: part of what it guards is gone already, and its own record with that.
    let waits = |status| matches!(status, StepStatus::Started | StepStatus::Failed(_) | StepStatus::Undone);
    let aborted = |record: &StepRecord| record.verdict == Some(Verdict::Abort) && waits(record.status);
    plan.steps().iter().find(|gate| {
        state.step(&gate.id).is_some_and(aborted)
            && plan.guarded(gate).iter().any(|step| state.step(&step.id).is_some_and(StepRecord::stands))
    })
}

/// The gate of the last Abort that has had what it guards undone, when nobody has asked for its phase since.
pub fn undone_by_abort<'p>(state: &RunState, plan: &'p Plan) -> Option<&'p PlannedStep> {
    let is_undone = |record: &StepRecord| record.verdict == Some(Verdict::Abort) && record.status == StepStatus::Undone;
    let guards = |gate: &PlannedStep| !plan.guarded(gate).is_empty();
    plan.steps().iter().find(|gate| guards(gate) && state.step(&gate.id).is_some_and(is_undone))
}
