//! The writing side: an event counts only once it is durable.

use std::sync::Arc;

use super::chain::{self, FORMAT_VERSION, Record};
use super::reading::{self, Replayed};
use crate::core::{ApplyPermit, Contract, Digest, Event, Fence, Holder, Phase, RunState, Stamped, StepId, UndoPermit};
use crate::ports::{Clock, EventSink, JournalFault, JournalStore};

/// The journal, open for writing by its only writer.
pub struct Ledger {
    store: Box<dyn JournalStore>,
    clock: Arc<dyn Clock>,
    sink: Arc<dyn EventSink>,
    state: RunState,
    fence: Fence,
    head: Digest,
    lines: u64,
    warnings: Vec<String>,
}

impl Ledger {
    /// Replays the journal and takes the next lease. The store's lock is already ours.
    ///
    /// # Errors
    /// When the journal is damaged, newer than this program, or cannot be written.
    pub fn open(
        mut store: Box<dyn JournalStore>,
        clock: Arc<dyn Clock>,
        sink: Arc<dyn EventSink>,
        holder: Holder,
        reason: &str,
    ) -> Result<Self, JournalFault> {
        let bytes = store.load()?;
        let Replayed { state, head, lines, length, warnings, newer, .. } = reading::replay(&bytes)?;
        if let Some(version) = newer {
            return Err(JournalFault::Newer(version));
        }
        if length < bytes.len() as u64 {
            store.truncate(length)?;
        }
        let fence = state.fence().next();
        let mut ledger = Self { store, clock, sink, state, fence, head, lines, warnings };
        ledger.append(Event::LeaseTaken { holder, reason: reason.to_owned() })?;
        Ok(ledger)
    }

    /// Where the run stands.
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// What an operator should know about the journal as it was found.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The clock by which events are stamped.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Makes an event durable, and only then part of the state.
    ///
    /// # Errors
    /// When it contradicts the journal, when we are no longer the writer, or when it cannot be written. Nothing has
    /// happened then.
    pub fn append(&mut self, event: Event) -> Result<(), JournalFault> {
        let stamped = Stamped { fence: self.fence, event };
        let after = self.state.clone().apply(&stamped).map_err(|error| JournalFault::Illegal(error.to_string()))?;
        let at = self.clock.now();
        let record = Record { version: FORMAT_VERSION, sequence: self.lines + 1, at, entry: stamped };
        let (line, hash) = chain::write(&self.head, &record)?;
        self.store.append(line.as_bytes())?;
        (self.state, self.head, self.lines) = (after, hash, record.sequence);
        self.sink.recorded(at, &record.entry.event);
        Ok(())
    }

    /// Whether we are still the only writer. One intent may cover several calls (asked again after a lost reply, or
    /// until something is no longer in use), minutes apart: each looks first.
    ///
    /// # Errors
    /// `LeaseLost` when we are not: nothing may be written any more, neither here nor in the world.
    pub fn confirm(&self) -> Result<(), JournalFault> {
        self.store.confirm()
    }

    /// Journals the intent to act, and hands out the permit for it.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn start_step(&mut self, step: &StepId, phase: Phase, contract: Contract) -> Result<ApplyPermit, JournalFault> {
        self.append(Event::StepStarted { step: step.clone(), phase, contract })?;
        self.state
            .apply_permit(step)
            .ok_or_else(|| JournalFault::Illegal(format!("{step}: no permit after its intent")))
    }

    /// Journals the intent to undo, and hands out the permit for it.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn start_undo(&mut self, step: &StepId) -> Result<UndoPermit, JournalFault> {
        self.append(Event::UndoStarted { step: step.clone() })?;
        self.state.undo_permit(step).ok_or_else(|| JournalFault::Illegal(format!("{step}: no permit after its intent")))
    }

    /// Lets go of the lease.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn close(mut self) -> Result<(), JournalFault> {
        self.append(Event::LeaseReleased)
    }
}
