//! One step forward.

use super::{Engine, Stop};
use crate::core::{
    ApplyPermit, Event, Facts, Failure, FailureClass, Measurement, Outcome, PlannedStep, StepId, Verdict,
};
use crate::steps::{Change, Condition, Exercise, Observation, Observe, Presence, Step};

impl Engine {
    pub(super) async fn apply(&mut self, id: &StepId) -> Result<(), Stop> {
        let planned = self.planned(id)?;
        let step = self.build(&planned)?;
        self.refuse_change(&planned)?;
        let permit = self.parts.ledger.start_step(id, planned.phase, planned.contract)?;
        match step {
            Step::Observe(step) => self.observe(&planned, step.as_ref()).await,
            Step::Change(step) => self.change(&planned, step.as_ref(), permit).await,
            Step::Exercise(step) => self.exercise(&planned, step.as_ref(), permit).await,
            Step::Watch(step) => self.soak(&planned, step.as_ref()).await,
        }
    }

    pub(super) fn planned(&self, id: &StepId) -> Result<PlannedStep, Stop> {
        let gone = || {
            Stop::Refused(
                Failure::permanent(format!("{id} is in the journal but not in the plan"))
                    .hint("restore the files of that run, or `migrate rollback --discover`"),
            )
        };
        self.parts.plan.step(id).cloned().ok_or_else(gone)
    }

    async fn observe(&mut self, planned: &PlannedStep, step: &dyn Observe) -> Result<(), Stop> {
        let facts = self.facts_for(planned);
        let context = self.reader(&facts);
        let seen = self.reading(|| step.observe(&context)).await?;
        match seen {
            Err(failure) => self.fail(&planned.id, Outcome::Clean, failure),
            Ok(observation) => self.judge(planned, observation),
        }
    }

    fn judge(&mut self, planned: &PlannedStep, observation: Observation) -> Result<(), Stop> {
        let Observation { facts, measurements, failure } = observation;
        let verdict = Verdict::over(measurements.iter().map(|measurement| measurement.verdict));
        let refusal = (planned.contract.is_judged() && !verdict.passes()).then(|| refusal(verdict, &measurements));
        if planned.contract.is_judged() {
            self.record_verdict(&planned.id, verdict, measurements)?;
            return match failure.or(refusal) {
                Some(failure) => self.fail(&planned.id, Outcome::Clean, failure),
                None => self.succeed(&planned.id, facts, Vec::new()),
            };
        }
        let evidence = self.keep(&planned.id, measurements)?;
        match failure {
            Some(failure) => self.fail(&planned.id, Outcome::Clean, failure),
            None => self.succeed(&planned.id, facts, evidence),
        }
    }

    /// Journals what a gate said, and what it said it on.
    pub(super) fn record_verdict(
        &mut self,
        id: &StepId,
        verdict: Verdict,
        measurements: Vec<Measurement>,
    ) -> Result<(), Stop> {
        let reason = measurements.iter().map(|measurement| measurement.summary.as_str()).collect::<Vec<_>>().join("; ");
        let evidence = self.keep(id, measurements)?;
        Ok(self.parts.ledger.append(Event::GateJudged { step: id.clone(), verdict, reason, evidence })?)
    }

    /// Lets it act and judge. Whatever it sets it sets in full, so after a hiccup it simply begins again.
    async fn exercise(&mut self, planned: &PlannedStep, step: &dyn Exercise, permit: ApplyPermit) -> Result<(), Stop> {
        let facts = self.facts_for(planned);
        let mut tried = 0;
        loop {
            self.parts.ledger.confirm()?;
            let performed = {
                let context = self.reader(&facts);
                let production = self.writable_production();
                let writer = self.writer(&context, &production)?;
                self.guarded(step.perform(&writer, &permit)).await?
            };
            let failed = match performed {
                Ok(observation) => return self.judge(planned, observation),
                Err(failed) => failed,
            };
            tried += 1;
            let Some(wait) = self.parts.backoff.next(failed.failure.class, tried) else {
                return self.fail(&planned.id, failed.outcome, failed.failure);
            };
            self.say(format!("{} ({}); beginning again", failed.failure.message, failed.failure.class));
            self.pause(wait).await?;
        }
    }

    async fn change(&mut self, planned: &PlannedStep, step: &dyn Change, permit: ApplyPermit) -> Result<(), Stop> {
        let id = &planned.id;
        let known = self.facts_for(planned);
        if let Err((outcome, failure)) = self.bring_about(planned, step, &known, permit).await? {
            return self.fail(id, outcome, failure);
        }
        let context = self.reader(&known);
        let facts = match self.reading(|| step.settle(&context)).await? {
            Ok(facts) => facts,
            Err(failure) => return self.fail(id, Outcome::Unknown, failure),
        };
        let measurements = match self.reading(|| step.verify(&context, &facts)).await? {
            Ok(measurements) => measurements,
            Err(failure) => return self.fail(id, Outcome::Unknown, failure),
        };
        let bad = measurements.iter().map(|measurement| measurement.verdict).max().filter(|worst| !worst.passes());
        let refusal = bad.map(|verdict| refusal(verdict, &measurements));
        let evidence = self.keep(id, measurements)?;
        match refusal {
            Some(failure) => self.fail(id, Outcome::Unknown, failure),
            None => self.succeed(id, facts, evidence),
        }
    }

    /// Probes, and makes the thing when it is absent, until a probe says that it is ours.
    async fn bring_about(
        &mut self,
        planned: &PlannedStep,
        step: &dyn Change,
        known: &Facts,
        mut permit: ApplyPermit,
    ) -> Result<Result<(), (Outcome, Failure)>, Stop> {
        let (mut tried, mut looked) = (0, 0);
        loop {
            let presence = {
                let context = self.reader(known);
                self.reading(|| step.probe(&context)).await?
            };
            match presence {
                Err(failure) => return Ok(Err((Outcome::Unknown, failure))),
                Ok(Presence::Foreign(whose)) => {
                    return Ok(Err((Outcome::Clean, Failure::new(FailureClass::Foreign, whose))));
                }
                Ok(Presence::Ours(Condition::Usable | Condition::Settling(_))) => return Ok(Ok(())),
                Ok(Presence::Ours(Condition::Leaving)) => {
                    self.say(format!("{}: waiting for the old one to go", planned.id));
                    self.pause(self.parts.backoff.look_again(looked)).await?;
                    looked += 1;
                }
                Ok(Presence::Ours(Condition::Broken(why))) => {
                    self.say(format!("{}: ours is broken ({why}); removing it first", planned.id));
                    self.undo(&planned.id).await?;
                    permit = self.parts.ledger.start_step(&planned.id, planned.phase, planned.contract)?;
                }
                Ok(Presence::Absent | Presence::Ours(Condition::Unfinished)) => {
                    tried += 1;
                    self.parts.ledger.confirm()?;
                    let made = {
                        let context = self.reader(known);
                        let production = self.writable_production();
                        let writer = self.writer(&context, &production)?;
                        self.guarded(step.apply(&writer, &permit)).await?
                    };
                    let Err(failed) = made else { return Ok(Ok(())) };
                    let Some(wait) = self.parts.backoff.next(failed.failure.class, tried) else {
                        return Ok(Err((failed.outcome, failed.failure)));
                    };
                    self.say(format!("{} ({}); probing again", failed.failure.message, failed.failure.class));
                    self.pause(wait).await?;
                }
            }
        }
    }

    pub(super) fn succeed(
        &mut self,
        id: &StepId,
        facts: Facts,
        evidence: Vec<crate::core::EvidenceRef>,
    ) -> Result<(), Stop> {
        Ok(self.parts.ledger.append(Event::StepSucceeded { step: id.clone(), facts, evidence })?)
    }

    pub(super) fn fail(&mut self, id: &StepId, outcome: Outcome, failure: Failure) -> Result<(), Stop> {
        self.parts.ledger.append(Event::StepFailed { step: id.clone(), outcome, failure: failure.clone() })?;
        Err(Stop::Failed { step: id.clone(), failure })
    }
}

/// A verdict that is no pass, as a failure.
pub(super) fn refusal(verdict: Verdict, measurements: &[Measurement]) -> Failure {
    let class = match verdict {
        Verdict::Inconclusive | Verdict::Pass => FailureClass::Inconclusive,
        Verdict::Hold | Verdict::Abort => FailureClass::Gate,
    };
    let reasons: Vec<&str> = measurements
        .iter()
        .filter(|measurement| !measurement.verdict.passes())
        .map(|measurement| measurement.summary.as_str())
        .collect();
    let reasons = if reasons.is_empty() { "nothing was measured".to_owned() } else { reasons.join("; ") };
    Failure::new(class, format!("{verdict}: {reasons}"))
}
