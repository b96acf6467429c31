//! Permits: no adapter writes without one, and only a journalled intent makes one.

use super::{RunId, RunState, StepId, StepStatus};

/// The right to act for one step. Its fields are private to this file and its only source is a [`RunState`], which
/// only replayed events make: so it exists only where `StepStarted` was journalled.
#[derive(Debug)]
pub struct ApplyPermit {
    step: StepId,
    run: RunId,
}

/// The right to undo one step: exists only where `UndoStarted` was journalled.
#[derive(Debug)]
pub struct UndoPermit {
    step: StepId,
    run: RunId,
}

/// Either of the two: for what is done in the same way going there and going back. Nothing is gained by it, because
/// there is no other way to one than by one of them.
#[derive(Debug, Clone, Copy)]
pub enum EitherPermit<'a> {
    /// On the way there.
    Apply(&'a ApplyPermit),
    /// On the way back.
    Undo(&'a UndoPermit),
}

impl EitherPermit<'_> {
    /// The step it is for.
    pub fn step(&self) -> &StepId {
        match self {
            Self::Apply(permit) => permit.step(),
            Self::Undo(permit) => permit.step(),
        }
    }
}

impl<'a> From<&'a ApplyPermit> for EitherPermit<'a> {
    fn from(permit: &'a ApplyPermit) -> Self {
        Self::Apply(permit)
    }
}

impl<'a> From<&'a UndoPermit> for EitherPermit<'a> {
    fn from(permit: &'a UndoPermit) -> Self {
        Self::Undo(permit)
    }
}

impl ApplyPermit {
    /// The step it is for.
    pub fn step(&self) -> &StepId {
        &self.step
    }

    /// The run it belongs to.
    pub fn run(&self) -> &RunId {
        &self.run
    }
}

impl UndoPermit {
    /// The step it is for.
    pub fn step(&self) -> &StepId {
        &self.step
    }

    /// The run it belongs to.
    pub fn run(&self) -> &RunId {
        &self.run
    }
}

impl RunState {
    /// The permit to act for a step whose intent is journalled.
    pub fn apply_permit(&self, step: &StepId) -> Option<ApplyPermit> {
        let started = self.status(step) == Some(StepStatus::Started);
        started.then(|| self.run().cloned().map(|run| ApplyPermit { step: step.clone(), run })).flatten()
    }

    /// The permit to undo a step whose undo is journalled.
    pub fn undo_permit(&self, step: &StepId) -> Option<UndoPermit> {
        let undoing = self.status(step) == Some(StepStatus::Undoing);
        undoing.then(|| self.run().cloned().map(|run| UndoPermit { step: step.clone(), run })).flatten()
    }
}
