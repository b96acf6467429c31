//! One step back, and the look around afterwards.

use super::{Engine, Stop};
use crate::core::{Event, Failure, FailureClass, Phase, PlannedStep, StepId, UndoPermit};
use crate::steps::account::tags;
use crate::steps::{Condition, Presence, Undoable};

impl Engine {
    /// Undoes a step. Legal whatever became of it: an undo begins with a probe.
    pub(super) async fn undo(&mut self, id: &StepId) -> Result<(), Stop> {
        let planned = self.planned(id)?;
        let step = self.build(&planned)?;
        let permit = self.parts.ledger.start_undo(id)?;
        if let Some(step) = step.undoable()
            && let Err(failure) = self.remove(&planned, step, &permit).await?
        {
            if failure.class.is_retryable() {
                // Nothing is wrong with what we want, only with the weather: the same command goes on from here.
                let hint = "when AWS and the network answer again: the same command";
                return Err(Stop::Refused(Failure { hint: Some(hint.to_owned()), ..failure }));
            }
            self.parts.ledger.append(Event::UndoFailed { step: id.clone(), failure: failure.clone() })?;
            return Err(Stop::Stuck { step: id.clone(), failure });
        }
        Ok(self.parts.ledger.append(Event::UndoFinished { step: id.clone() })?)
    }

    /// Asks for the removal until a probe no longer sees anything of ours.
    async fn remove(
        &self,
        planned: &PlannedStep,
        step: Undoable<'_>,
        permit: &UndoPermit,
    ) -> Result<Result<(), Failure>, Stop> {
        let id = &planned.id;
        let clock = &self.parts.read.clock;
        let began = clock.elapsed();
        let facts = self.facts_for(planned);
        let (mut tried, mut looked) = (0, 0);
        loop {
            let context = self.reader(&facts);
            let presence = match self.reading(|| step.probe(&context)).await? {
                Ok(presence) => presence,
                Err(failure) => return Ok(Err(failure)),
            };
            let mut last = Failure::transient(format!("{id} is still there"));
            match presence {
                // What is not ours is not ours to remove.
                Presence::Absent | Presence::Foreign(_) => return Ok(Ok(())),
                Presence::Ours(Condition::Leaving) => self.say(format!("{id}: waiting until it is gone")),
                Presence::Ours(_) => {
                    self.parts.ledger.confirm()?;
                    let production = self.writable_production();
                    let writer = self.writer(&context, &production)?;
                    if let Err(failed) = self.guarded(step.undo(&writer, permit)).await? {
                        // A transient refusal is mostly "still in use": that takes minutes, not tries.
                        if !failed.failure.class.is_retryable() {
                            return Ok(Err(failed.failure));
                        }
                        tried += 1;
                        self.say(format!("{id}: {} ({}); asking again", failed.failure.message, failed.failure.class));
                        last = failed.failure;
                    }
                }
            }
            if clock.elapsed().saturating_sub(began) > self.parts.backoff.release_deadline {
                let message = format!("{}; given up after {} tries", last.message, tried.max(1));
                return Ok(Err(Failure::permanent(message)));
            }
            self.pause(self.parts.backoff.look_again(looked)).await?;
            looked += 1;
        }
    }

    /// Phase 1's creations must all be gone when it is rolled back: what the journal does not know is found by tag.
    pub(super) async fn finish_rollback(&mut self, to: Phase) -> Result<(), Stop> {
        if to < Phase::Infrastructure {
            let name = self.parts.plan.rollout().name.as_str().to_owned();
            let cloud = self.parts.read.cloud.clone();
            match self.reading(|| cloud.tagged(tags::ROLLOUT, &name)).await? {
                Ok(left) if left.is_empty() => {}
                Ok(left) => return Err(Stop::LeftOver(left)),
                Err(failure) if failure.class == FailureClass::Denied => {
                    return Err(Stop::Refused(failure));
                }
                Err(failure) => return Err(Stop::Refused(failure.hint("the same command looks again"))),
            }
        }
        Ok(self.parts.ledger.append(Event::RollbackFinished { to })?)
    }
}
