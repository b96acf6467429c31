//! The reducer: the one place where an event changes state. Refuses what cannot have happened.

use super::{
    Approval, Contract, Direction, Event, LaterVerdicts, Outcome, Phase, PresumedStep, Resolution, RunState,
    SoakWindow, Stamped, StepId, StepRecord, StepStatus,
};

/// An event that contradicts what was journalled before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("illegal event: {0}")]
pub struct IllegalEvent(pub String);

/// Shorthand for a refusal.
pub(super) fn refuse<T>(why: impl Into<String>) -> Result<T, IllegalEvent> {
    Err(IllegalEvent(why.into()))
}

impl RunState {
    /// The state after `stamped`.
    ///
    /// # Errors
    /// When the event cannot follow what was journalled before: a stale writer, an undo without an intent, a gate
    /// passed without a `Pass`, a soak that ended early.
    pub fn apply(mut self, stamped: &Stamped) -> Result<Self, IllegalEvent> {
        self.absorb(stamped)?;
        Ok(self)
    }

    /// Replays a whole journal.
    ///
    /// # Errors
    /// As [`RunState::apply`].
    pub fn replay<'a>(events: impl IntoIterator<Item = &'a Stamped>) -> Result<Self, IllegalEvent> {
        let mut state = Self::default();
        for stamped in events {
            state.absorb(stamped)?;
        }
        Ok(state)
    }

    fn absorb(&mut self, stamped: &Stamped) -> Result<(), IllegalEvent> {
        if let Event::LeaseTaken { holder, .. } = &stamped.event {
            if stamped.fence != self.fence.next() {
                return refuse(format!("lease {} taken after lease {}", stamped.fence.0, self.fence.0));
            }
            self.fence = stamped.fence;
            self.holder = Some(holder.clone());
            return Ok(());
        }
        if stamped.fence != self.fence || self.holder.is_none() {
            return refuse(format!(
                "written under lease {}, but lease {} is {}",
                stamped.fence.0,
                self.fence.0,
                if self.holder.is_some() { "the current one" } else { "released" }
            ));
        }
        if self.run.is_none() && !matches!(stamped.event, Event::RunOpened { .. } | Event::LeaseReleased) {
            return refuse("no run is open");
        }
        self.absorb_body(&stamped.event)
    }

    fn absorb_body(&mut self, event: &Event) -> Result<(), IllegalEvent> {
        match event {
            Event::LeaseTaken { .. } => return refuse("a lease was taken twice"),
            Event::LeaseReleased => self.holder = None,
            Event::RunOpened { run, plan, .. } => {
                if self.run.is_some() {
                    return refuse("a run is already open");
                }
                self.run = Some(run.clone());
                self.plan = Some(plan.clone());
            }
            Event::PlanReplaced { plan, .. } => {
                self.plan = Some(plan.clone());
                self.reopen();
            }
            Event::StepsPresumed { steps, .. } => self.presume(steps)?,
            Event::PhaseStarted { phase, steps } => self.start_phase(*phase, steps)?,
            Event::PhasePassed { phase } => self.pass_phase(*phase)?,
            Event::StepStarted { step, phase, contract } => self.start_step(step, *phase, *contract)?,
            Event::StepSucceeded { step, facts, evidence } => {
                let unrehearsed = self.not_rehearsed(step);
                let record = self.started_step(step)?;
                if let Some(why) = unrehearsed.or_else(|| may_succeed(record).err()) {
                    return refuse(format!("{step} cannot have succeeded: {why}"));
                }
                record.status = StepStatus::Succeeded;
                record.facts = facts.clone();
                record.evidence.extend(evidence.iter().cloned());
            }
            Event::StepFailed { step, outcome, failure } => {
                let record = self.started_step(step)?;
                record.status = StepStatus::Failed(*outcome);
                record.failure = Some(failure.clone());
                self.direction = Direction::Idle;
            }
            Event::GateJudged { step, verdict, evidence, .. } => {
                if let Some(why) = self.not_rehearsed(step) {
                    return refuse(format!("{step} was judged too early: {why}"));
                }
                let record = self.started_step(step)?;
                record.verdict = Some(*verdict);
                record.evidence.extend(evidence.iter().cloned());
            }
            Event::SoakObserved { step, seconds, window } => self.observe(step, *seconds, window.as_ref())?,
            Event::RehearsalBegan { step, at } => self.begin_rehearsal(step, *at)?,
            Event::RehearsalTurned { step, at } => self.turn_rehearsal(step, *at)?,
            Event::RollbackStarted { to, .. } => self.start_rollback(*to),
            Event::RollbackFinished { to } => self.finish_rollback(*to)?,
            Event::UndoStarted { step } => self.start_undo(step)?,
            Event::UndoFinished { step } => {
                self.step_in(step, StepStatus::Undoing)?;
                self.forget(step);
            }
            Event::UndoFailed { step, failure } => {
                let record = self.step_in(step, StepStatus::Undoing)?;
                record.status = StepStatus::Stuck;
                record.failure = Some(failure.clone());
                self.direction = Direction::Idle;
            }
            Event::StuckSettled { step, resolution, later_verdicts, .. } => {
                let record = self.step_in(step, StepStatus::Stuck)?;
                match resolution {
                    Resolution::Retried => record.status = StepStatus::Failed(Outcome::Unknown),
                    // Adopting keeps the thing, not the claim that its step was judged.
                    Resolution::Adopted if record.contract.is_judged() => {
                        return refuse(format!("{step} is a gate: it can be retried or forgotten, not adopted"));
                    }
                    Resolution::Adopted => {
                        record.status = StepStatus::Succeeded;
                        self.overrule(step);
                    }
                    Resolution::Forgotten => self.forget(step),
                }
                if *later_verdicts == LaterVerdicts::Dropped {
                    self.doubt(step);
                }
            }
            Event::Paused { cause } => self.paused = Some(cause.clone()),
            Event::Approved { phase, by, reason, expires_at, plan } => {
                let approval =
                    Approval { by: by.clone(), reason: reason.clone(), expires_at: *expires_at, plan: plan.clone() };
                self.approvals.insert(*phase, approval);
            }
        }
        Ok(())
    }

    fn start_phase(&mut self, phase: Phase, steps: &[StepId]) -> Result<(), IllegalEvent> {
        if let Direction::Back(to) = self.direction {
            return refuse(format!("a rollback to {to} is under way"));
        }
        if let Some((step, _)) = self.stuck() {
            return refuse(format!("{step} is stuck"));
        }
        if let Some(missing) = phase.previous().filter(|before| !self.has_passed(*before)) {
            return refuse(format!("{missing} has not passed"));
        }
        self.look_again(phase, steps);
        self.judge_anew(phase);
        self.phases.insert(phase, steps.to_vec());
        // What is walked again has to pass again.
        self.passed.retain(|passed| *passed < phase);
        self.direction = Direction::Forward(phase);
        self.paused = None;
        Ok(())
    }

    /// Somebody asks for the phase again after a gate's Abort has had something undone: the verdict was about what was
    /// there before. Why it failed stays known until its gate looks again.
    fn judge_anew(&mut self, phase: Phase) {
        let undone = |record: &&mut StepRecord| record.phase == phase && record.status == StepStatus::Undone;
        self.steps.values_mut().filter(undone).for_each(|record| record.verdict = None);
    }

    /// A phase that has nothing left to do is walked to look again: otherwise its evidence could go stale, and no
    /// command would ever renew it. One that is under way goes on where it was.
    fn look_again(&mut self, phase: Phase, steps: &[StepId]) {
        if self.direction == Direction::Forward(phase)
            || steps.iter().any(|step| self.status(step) != Some(StepStatus::Succeeded))
        {
            return;
        }
        let has_passed = self.has_passed(phase);
        for step in steps {
            if let Some(record) = self.steps.get_mut(step) {
                record.status = StepStatus::Failed(Outcome::Unknown);
                if has_passed {
                    record.unobserve();
                }
            }
        }
    }

    /// A new plan may mean something else by the same step: nothing counts as done until it was probed again, and
    /// what was observed under other gates is no part of a new soak.
    fn reopen(&mut self) {
        for record in self.steps.values_mut() {
            if matches!(record.status, StepStatus::Started | StepStatus::Succeeded) {
                record.status = StepStatus::Failed(Outcome::Unknown);
            }
            record.unobserve();
        }
        self.passed.clear();
        self.approvals.clear();
        if !matches!(self.direction, Direction::Back(_)) {
            self.direction = Direction::Idle;
        }
    }

    fn presume(&mut self, steps: &[PresumedStep]) -> Result<(), IllegalEvent> {
        if !self.steps.is_empty() {
            return refuse("steps presumed although the journal knows some");
        }
        for PresumedStep { step, phase, contract } in steps {
            self.order.push(step.clone());
            let status = StepStatus::Failed(Outcome::Unknown);
            self.steps.insert(step.clone(), StepRecord::new(*phase, *contract, status));
        }
        Ok(())
    }

    fn pass_phase(&mut self, phase: Phase) -> Result<(), IllegalEvent> {
        if self.direction != Direction::Forward(phase) {
            return refuse(format!("{phase} was not being walked"));
        }
        let steps = self.phases.get(&phase).map_or(&[][..], Vec::as_slice);
        if let Some(step) = steps.iter().find(|step| self.status(step) != Some(StepStatus::Succeeded)) {
            return refuse(format!("{phase} passed without {step}"));
        }
        self.passed.push(phase);
        self.direction = Direction::Idle;
        Ok(())
    }

    fn start_step(&mut self, step: &StepId, phase: Phase, contract: Contract) -> Result<(), IllegalEvent> {
        if self.direction != Direction::Forward(phase) {
            return refuse(format!("{step} started while {phase} was not being walked"));
        }
        if let Some(rehearsal) = self.rehearsal_going_back(phase) {
            return refuse(format!("{step} started before {rehearsal} has undone the phase"));
        }
        // A rehearsal is judged on what it had redone: it comes after that.
        let rehearsing = self.step(step).and_then(StepRecord::rehearsing);
        match self.status(step) {
            Some(StepStatus::Undoing | StepStatus::Stuck | StepStatus::Succeeded) => {
                return refuse(format!("{step} started although it has succeeded, is being undone or is stuck"));
            }
            Some(StepStatus::Started) if rehearsing.is_none() => {}
            Some(StepStatus::Failed(_)) => {}
            None | Some(StepStatus::Undone | StepStatus::Started) => {
                self.order.retain(|started| started != step);
                self.order.push(step.clone());
            }
        }
        // A new attempt is judged anew; what was learnt and observed stays so until it is learnt anew.
        let mut record = StepRecord::new(phase, contract, StepStatus::Started);
        record.rehearsal = rehearsing;
        if let Some(before) = self.steps.get(step) {
            (record.attempts, record.observed_seconds) = (before.attempts, before.observed_seconds);
            record.facts = before.facts.clone();
            record.soak = before.soak.clone();
            if before.status != StepStatus::Started {
                record.soak.release();
            }
        }
        record.attempts += 1;
        self.steps.insert(step.clone(), record);
        Ok(())
    }

    fn start_rollback(&mut self, to: Phase) {
        for record in self.steps.values_mut() {
            let is_stuck = record.phase > to && record.status == StepStatus::Stuck;
            // What is undone from now on is no rehearsal: one under way has to begin again.
            if is_stuck || record.rehearsing().is_some() {
                record.status = StepStatus::Failed(Outcome::Unknown);
            }
        }
        self.passed.retain(|passed| *passed <= to);
        self.approvals.retain(|phase, _| *phase <= to);
        self.direction = Direction::Back(to);
        self.paused = None;
    }

    fn finish_rollback(&mut self, to: Phase) -> Result<(), IllegalEvent> {
        if self.direction != Direction::Back(to) {
            return refuse(format!("no rollback to {to} was under way"));
        }
        if let Some((step, _)) = self.started().find(|(_, record)| record.stands_beyond(to)) {
            return refuse(format!("rolled back to {to} without undoing {step}"));
        }
        // What was seen beyond that phase is no longer so: it has to be looked at and judged again.
        for record in self.steps.values_mut().filter(|record| record.phase > to) {
            *record = StepRecord::new(record.phase, record.contract, StepStatus::Undone);
        }
        self.direction = Direction::Idle;
        Ok(())
    }

    fn start_undo(&mut self, step: &StepId) -> Result<(), IllegalEvent> {
        let Some(record) = self.steps.get_mut(step) else {
            return refuse(format!("{step} undone without ever being started"));
        };
        match record.status {
            StepStatus::Undone | StepStatus::Stuck => refuse(format!("{step} undone although it is undone or stuck")),
            StepStatus::Started | StepStatus::Succeeded | StepStatus::Failed(_) | StepStatus::Undoing => {
                record.status = StepStatus::Undoing;
                Ok(())
            }
        }
    }

    /// A thing is gone, and what was learnt of it with it.
    fn forget(&mut self, step: &StepId) {
        if let Some(record) = self.steps.get_mut(step) {
            record.forget();
        }
        self.doubt(step);
    }

    /// Forgets whatever was seen, judged or watched after a thing was made: it says nothing about the next one. The
    /// rehearsal for which the thing was undone goes on.
    fn doubt(&mut self, step: &StepId) {
        let Some(phase) = self.step(step).map(|record| record.phase) else { return };
        let goes_on = |record: &StepRecord| record.phase == phase && record.rehearsing().is_some();
        for id in self.order.iter().skip_while(|started| *started != step).skip(1) {
            if let Some(record) = self.steps.get_mut(id).filter(|record| !record.contract.changes() && !goes_on(record))
            {
                record.forget();
            }
        }
    }

    /// Time was observed, or was not.
    fn observe(&mut self, step: &StepId, seconds: u64, window: Option<&SoakWindow>) -> Result<(), IllegalEvent> {
        let record = self.started_step(step)?;
        record.observed_seconds = record.observed_seconds.saturating_add(seconds);
        if let Some(window) = window {
            if seconds > window.length || (seconds > 0 && !window.verdict.passes()) {
                let SoakWindow { length, verdict, .. } = window;
                return refuse(format!("{step}: {seconds} s counted of a window of {length} s that said {verdict}"));
            }
            record.soak.add(seconds, window);
            record.facts.extend(&window.facts);
        }
        Ok(())
    }

    /// A person keeps a thing that a gate's Abort had condemned: the gate has to say it again.
    fn overrule(&mut self, step: &StepId) {
        for id in self.order.iter().skip_while(|started| *started != step) {
            let spoke = |record: &&mut StepRecord| matches!(record.status, StepStatus::Failed(_) | StepStatus::Undone);
            if let Some(record) = self.steps.get_mut(id).filter(spoke) {
                record.verdict = None;
            }
        }
    }

    pub(super) fn started_step(&mut self, step: &StepId) -> Result<&mut StepRecord, IllegalEvent> {
        self.step_in(step, StepStatus::Started)
    }

    fn step_in(&mut self, step: &StepId, wanted: StepStatus) -> Result<&mut StepRecord, IllegalEvent> {
        match self.steps.get_mut(step) {
            Some(record) if record.status == wanted => Ok(record),
            Some(record) => refuse(format!("{step} is {:?}, not {wanted:?}", record.status)),
            None => refuse(format!("{step} was never started")),
        }
    }
}

/// What a step's contract asks of its success.
fn may_succeed(record: &StepRecord) -> Result<(), String> {
    if record.contract.is_judged() && !record.verdict.is_some_and(super::Verdict::passes) {
        return Err(match record.verdict {
            Some(verdict) => format!("its gate said {verdict}"),
            None => "its gate was not judged".into(),
        });
    }
    match record.contract {
        Contract::Soak { seconds } if record.observed_seconds < seconds => {
            Err(format!("{} of {seconds} s observed", record.observed_seconds))
        }
        _ => Ok(()),
    }
}
