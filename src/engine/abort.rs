//! What follows a gate's Abort: what it guards is undone at once, also by the process after the one that was killed.

use super::{Engine, Stop};
use crate::core::{Failure, FailureClass, Outcome, Phase, PlannedStep, StepId, tripped, undone_by_abort};

impl Engine {
    /// The gate whose Abort has something left to undo.
    pub(super) fn tripped(&self) -> Option<PlannedStep> {
        tripped(self.parts.ledger.state(), &self.parts.plan).cloned()
    }

    /// How a gate stops a run when what it guards is undone.
    pub(super) fn aborted(&self, gate: &PlannedStep) -> Stop {
        let failure = self.why_failed(&gate.id);
        let undone: Vec<String> = self.parts.plan.guarded(gate).iter().map(|step| step.id.to_string()).collect();
        let what = undone.first().cloned().unwrap_or_default();
        let hint = format!(
            "what it guards ({what}) was undone. Find out why: `migrate log`; then `migrate phase {}` tries again, or `migrate rollback` goes further back",
            gate.phase.number()
        );
        Stop::Failed { step: gate.id.clone(), failure: Failure { hint: Some(hint), ..failure } }
    }

    /// A gate said Abort, and the process died before it could say that the gate has failed.
    pub(super) fn fail_after_crash(&mut self, gate: &StepId) -> Result<(), Stop> {
        let failure = self.why_failed(gate);
        self.fail(gate, Outcome::Clean, failure)
    }

    /// A scheduler that runs the same command every minute must not put a bad release back every minute: after an Abort
    /// a person asks for the phase, not `--once`.
    pub(super) fn refuse_after_abort(&self, phase: Phase) -> Result<(), Stop> {
        let gate = undone_by_abort(self.parts.ledger.state(), &self.parts.plan).filter(|gate| gate.phase == phase);
        gate.map_or(Ok(()), |gate| Err(self.aborted(gate)))
    }

    /// Why a gate failed, in the words that are journalled.
    fn why_failed(&self, gate: &StepId) -> Failure {
        let record = self.parts.ledger.state().step(gate);
        let words = || {
            let evidence = record.into_iter().flat_map(|record| &record.evidence);
            let bad = evidence.filter(|evidence| !evidence.verdict.passes()).map(|evidence| evidence.summary.as_str());
            let bad: Vec<&str> = bad.collect();
            let why = if bad.is_empty() { "as the journal says".to_owned() } else { bad.join("; ") };
            Failure::new(FailureClass::Gate, format!("abort: {why}"))
        };
        record.and_then(|record| record.failure.clone()).unwrap_or_else(words)
    }
}
