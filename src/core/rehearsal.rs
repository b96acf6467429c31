//! A rehearsal of the rollback, inside a phase: how far one is, and which events may take it further.

use super::replay::refuse;
use super::{Contract, Direction, Fact, Facts, IllegalEvent, Phase, RunState, StepId, StepRecord, StepStatus};

/// The fact that says when a rehearsal under way began, in RFC 3339.
pub const REHEARSAL_BEGAN: Fact<jiff::Timestamp> = Fact::new("rehearsal.began");
/// The fact that says when a rehearsal under way had everything undone, in RFC 3339.
pub const REHEARSAL_TURNED: Fact<jiff::Timestamp> = Fact::new("rehearsal.turned");

/// How far a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rehearsal {
    /// What its phase has changed is being undone, the newest first.
    Back,
    /// Everything was undone, and is being redone.
    Forth,
}

impl StepRecord {
    /// How far its rehearsal is; `None` when none is under way. One whose step fails is over: its clock would run on
    /// while nobody rehearses.
    pub fn rehearsing(&self) -> Option<Rehearsal> {
        self.rehearsal.filter(|_| self.status == StepStatus::Started)
    }
}

impl RunState {
    /// The rehearsal for which a phase is being undone.
    pub fn rehearsal_going_back(&self, phase: Phase) -> Option<&StepId> {
        let goes_back = |record: &StepRecord| record.phase == phase && record.rehearsing() == Some(Rehearsal::Back);
        self.started().find(|(_, record)| goes_back(record)).map(|(id, _)| id)
    }

    pub(super) fn begin_rehearsal(&mut self, step: &StepId, at: jiff::Timestamp) -> Result<(), IllegalEvent> {
        if let Some(left) = self.first_undone_before(step) {
            return refuse(format!("{step} began although {left} has not succeeded"));
        }
        let record = self.rehearsal(step, None)?;
        record.rehearsal = Some(Rehearsal::Back);
        record.facts = Facts::new().with_fact(REHEARSAL_BEGAN, at);
        Ok(())
    }

    pub(super) fn turn_rehearsal(&mut self, step: &StepId, at: jiff::Timestamp) -> Result<(), IllegalEvent> {
        let phase = self.rehearsal(step, Some(Rehearsal::Back))?.phase;
        let stands = |record: &StepRecord| record.phase == phase && record.stands();
        if let Some((left, _)) = self.started().find(|(_, record)| stands(record)) {
            return refuse(format!("{step} turned without undoing {left}"));
        }
        let record = self.rehearsal(step, Some(Rehearsal::Back))?;
        record.rehearsal = Some(Rehearsal::Forth);
        record.facts = record.facts.clone().with_fact(REHEARSAL_TURNED, at);
        Ok(())
    }

    /// Why a rehearsal cannot be judged yet; `None` for one that can, and for every other kind of step.
    pub(super) fn not_rehearsed(&self, step: &StepId) -> Option<String> {
        let record = self.step(step).filter(|record| record.contract == Contract::Rehearsal)?;
        if record.rehearsing() != Some(Rehearsal::Forth) {
            return Some("its phase was not undone".to_owned());
        }
        self.first_undone_before(step).map(|left| format!("{left} is not redone"))
    }

    /// The record of a rehearsal that is that far, in the phase that is being walked.
    fn rehearsal(&mut self, step: &StepId, far: Option<Rehearsal>) -> Result<&mut StepRecord, IllegalEvent> {
        let direction = self.direction;
        let record = self.started_step(step)?;
        if record.contract != Contract::Rehearsal {
            return refuse(format!("{step} is not a rehearsal"));
        }
        if direction != Direction::Forward(record.phase) {
            return refuse(format!("{step} rehearsed while {} was not being walked", record.phase));
        }
        if record.rehearsal != far {
            return refuse(format!("{step} is at {:?}, not at {far:?}", record.rehearsal));
        }
        Ok(record)
    }

    /// The first step before this one, in its phase, that does not stand as it should.
    fn first_undone_before(&self, step: &StepId) -> Option<&StepId> {
        let phase = self.step(step)?.phase;
        let before = self.phases.get(&phase)?.iter().take_while(|other| *other != step);
        before.into_iter().find(|other| self.status(other) != Some(StepStatus::Succeeded))
    }
}
