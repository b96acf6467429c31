//! A rehearsal of the rollback: its undos and redos are ordinary ones, so all there is to do here is to say when it
//! began and when it turned.

use super::{Engine, Stop};
use crate::core::{Event, StepId};

impl Engine {
    /// Journals that a rehearsal begins. A crash between the two lines leaves it not begun, and it begins again.
    pub(super) fn begin_rehearsal(&mut self, step: StepId) -> Result<(), Stop> {
        let planned = self.planned(&step)?;
        self.parts.ledger.start_step(&step, planned.phase, planned.contract)?;
        let at = self.parts.ledger.now();
        Ok(self.parts.ledger.append(Event::RehearsalBegan { step, at })?)
    }

    /// Journals that everything is undone.
    pub(super) fn turn_rehearsal(&mut self, step: StepId) -> Result<(), Stop> {
        let at = self.parts.ledger.now();
        Ok(self.parts.ledger.append(Event::RehearsalTurned { step, at })?)
    }
}
