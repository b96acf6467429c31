//! What a process may write, in the journal and in the world: its lease and its permits.

use migrate::core::{Event, StepId};

use crate::bug::Bug;
use crate::process::Step;
use crate::trace::{Visible, bare};
use crate::world::World;

impl Step<'_> {
    /// Appends under our lease, as the ledger does. A refusal ends the process.
    pub fn append(&mut self, event: Event) -> bool {
        let newest = self.state.journal.fence();
        let rightful = self.process.has_lock;
        let fence = if self.bug(Bug::StaleFenceAccepted) { newest.max(self.process.fence) } else { self.process.fence };
        // Until the thief's lease is journalled the lock alone keeps us out; from then on the reducer must.
        let locked_out = !rightful && self.process.fence >= newest && !self.bug(Bug::StaleFenceAccepted);
        let written = self.seen.as_ref().map(|_| bare(&event));
        let accepted = !locked_out && self.state.absorb(fence, event);
        if let Some(written) = written.filter(|_| accepted) {
            self.show(|_| Visible::Written(written));
        }
        let ghosts = &mut self.state.world.ghosts;
        ghosts.stale_accepted |= accepted && !rightful;
        ghosts.contradicted |= !accepted && rightful;
        if !accepted {
            self.state.processes[self.who] = None;
        }
        accepted
    }

    /// Notes something that is visible from outside.
    pub fn show(&mut self, what: impl FnOnce(&World) -> Visible) {
        if let Some(seen) = &mut self.seen {
            seen.push(what(&self.state.world));
        }
    }

    pub fn hold(&mut self, permit: Option<StepId>) {
        if let Some(process) = &mut self.state.processes[self.who] {
            process.permit = permit;
        }
    }

    /// A write is about to happen: was it allowed to?
    pub fn account(&mut self, step: usize) {
        if self.process.permit != Some(self.id(step)) {
            self.state.world.ghosts.unpermitted = true;
        }
    }

    pub fn late(&mut self) {
        if self.process.fence != self.state.journal.fence() {
            self.state.world.ghosts.late_writes = self.state.world.ghosts.late_writes.saturating_add(1);
        }
    }

    /// The first call may be in flight when the lease is lost; a second one looks first.
    pub fn is_stale_retry(&self) -> bool {
        self.process.fence != self.state.journal.fence() && self.state.world.ghosts.late_writes > 0
    }
}
