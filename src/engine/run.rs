//! The loop: decide, do, journal, until there is nothing to do or something stops it.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Backoff, Cancel, Stop};
use crate::core::{
    Direction, Effect, Event, EvidenceDocument, EvidenceRef, Facts, Failure, FailureClass, Measurement, Missing, Phase,
    Plan, PlannedStep, StepId, approval_ends_early, decide, missing_for, missing_for_step,
};
use crate::journal::Ledger;
use crate::ports::{EvidenceStore, Progress, ProgressSink, WritableTarget};
use crate::steps::account::caller_identity::{CHOOSE_CREDENTIALS, other_account};
use crate::steps::facts::CALLER_ACCOUNT;
use crate::steps::{self, ReadContext, ReadPorts, Step, WriteContext, WritePorts};

/// Refuses when something is missing; says what to type when it is only a person's word, or the hour.
fn refuse_missing(phase: Phase, what: &str, missing: &[Missing]) -> Result<(), Stop> {
    if missing.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let failure = Failure::new(FailureClass::Inconclusive, format!("{what}: {}", list.join("; ")));
    let number = phase.number();
    let hint = match missing {
        [Missing::Approval(_)] => format!("`migrate approve {number} --reason WHY`, then `migrate phase {number}`"),
        [Missing::ClosedWindow(_)] => format!("`migrate phase {number}` again when it is open"),
        _ => format!("`migrate check --for {number}` shows what is missing"),
    };
    Err(Stop::Refused(failure.hint(hint)))
}

/// What an engine is made of.
pub struct EngineParts {
    /// What to do.
    pub plan: Plan,
    /// The journal, open for writing.
    pub ledger: Ledger,
    /// Where measurements go.
    pub evidence: Box<dyn EvidenceStore>,
    /// Eyes.
    pub read: ReadPorts,
    /// Hands.
    pub write: WritePorts,
    /// Where rollout.yaml lies.
    pub base_directory: PathBuf,
    /// Who hears of progress.
    pub progress: Arc<dyn ProgressSink>,
    /// The switch that stops everything.
    pub cancel: Cancel,
    /// How to wait.
    pub backoff: Backoff,
}

/// How the step that a plan describes is made.
pub type BuildStep = Arc<dyn Fn(&PlannedStep) -> Result<Step, Failure> + Send + Sync>;

/// The interpreter of a plan.
pub struct Engine {
    pub(super) parts: EngineParts,
    build_step: BuildStep,
    /// How many windows of a soak may still be looked at; `None`: as many as it takes.
    pub(super) windows: Option<u32>,
}

impl Engine {
    /// An engine at rest, with the built-in kinds of steps.
    pub fn new(parts: EngineParts) -> Self {
        Self::with_steps(parts, Arc::new(steps::build))
    }

    /// An engine at rest that makes its steps in another way: tests script them.
    pub fn with_steps(parts: EngineParts, build_step: BuildStep) -> Self {
        Self { parts, build_step, windows: None }
    }

    /// Makes the step that the plan describes. Refused when its settings do not fit its kind.
    pub(super) fn build(&self, planned: &PlannedStep) -> Result<Step, Stop> {
        (self.build_step)(planned).map_err(Stop::Refused)
    }

    /// The journal, to look at.
    pub fn ledger(&self) -> &Ledger {
        &self.parts.ledger
    }

    /// Walks a phase to its end, preflight before phase 1 included.
    ///
    /// # Errors
    /// Whatever stopped it; the same call goes on from there.
    pub async fn phase(&mut self, phase: Phase) -> Result<(), Stop> {
        let stopped = self.walk(phase).await;
        self.checkpoint(stopped)
    }

    /// As [`Engine::phase`], but looks at no more than one window of a soak: for a scheduler that comes again.
    ///
    /// # Errors
    /// [`Stop::Waiting`] when a soak takes longer than that; otherwise as [`Engine::phase`].
    pub async fn phase_once(&mut self, phase: Phase) -> Result<(), Stop> {
        self.windows = Some(1);
        self.phase(phase).await
    }

    /// Goes back to the end state of `to`.
    ///
    /// # Errors
    /// Whatever stopped it; the same call goes on from there.
    pub async fn rollback(&mut self, to: Phase, reason: Option<String>) -> Result<(), Stop> {
        let stopped = self.go_back(to, reason).await;
        self.checkpoint(stopped)
    }

    async fn go_back(&mut self, to: Phase, reason: Option<String>) -> Result<(), Stop> {
        // Only what phase 1 made is in an AWS account.
        if to < Phase::Infrastructure {
            self.refuse_other_account().await?;
        }
        self.parts.ledger.append(Event::RollbackStarted { to, reason })?;
        self.drive().await
    }

    /// With the credentials of another account everything looks absent: a phase would build there, and a rollback
    /// would call everything undone that stands in the right one.
    async fn refuse_other_account(&self) -> Result<(), Stop> {
        let facts = self.facts();
        if CALLER_ACCOUNT.known(&facts).is_none() {
            return Ok(());
        }
        let cloud = self.parts.read.cloud.clone();
        let failure = match self.reading(|| cloud.caller()).await? {
            Ok(caller) => match other_account(&facts, &caller) {
                None => return Ok(()),
                Some(ours) => Failure::permanent(format!(
                    "these credentials belong to account {}, but this run is in account {ours} ({})",
                    caller.account, caller.arn
                ))
                .hint(CHOOSE_CREDENTIALS),
            },
            Err(failure) => failure,
        };
        let hint = failure.hint.clone().map(|hint| format!("{hint}; ")).unwrap_or_default();
        Err(Stop::Refused(failure.hint(format!("{hint}nothing was changed: the same command tries again"))))
    }

    /// Lets go of the lease.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn close(self) -> Result<(), Stop> {
        self.parts.ledger.close().map_err(Stop::from)
    }

    async fn walk(&mut self, phase: Phase) -> Result<(), Stop> {
        // A process died between a gate's Abort and the undo of what it guards: that comes before every question whether
        // the phase may be entered, and the phase is not asked for anew.
        if let Some(gate) = self.tripped() {
            self.refuse_stuck()?;
            self.drive().await?;
            return Err(self.aborted(&gate));
        }
        if self.windows.is_some() {
            self.refuse_after_abort(phase)?;
        }
        self.refuse_unready(phase)?;
        self.refuse_other_account().await?;
        // The network's facts come from preflight, and what it found a week ago may no longer be so: phase 1 looks
        // first, unless it is already under way.
        if phase == Phase::Infrastructure && !self.parts.ledger.state().has_passed(Phase::Preflight) {
            self.start(Phase::Preflight)?;
            self.drive().await?;
        }
        self.start(phase)?;
        if phase == Phase::Production
            && let Some(early) =
                approval_ends_early(self.parts.ledger.state(), &self.parts.plan, self.parts.ledger.now())
        {
            self.say(early.to_string());
        }
        self.drive().await
    }

    /// Refuses a change in production for which something is missing by now. Nothing is journalled: the same command
    /// goes on when it is there.
    pub(super) fn refuse_change(&self, planned: &PlannedStep) -> Result<(), Stop> {
        let missing = missing_for_step(self.parts.ledger.state(), &self.parts.plan, planned, self.parts.ledger.now());
        refuse_missing(planned.phase, &format!("{} waits", planned.id), &missing)
    }

    fn refuse_unready(&self, phase: Phase) -> Result<(), Stop> {
        let state = self.parts.ledger.state();
        self.refuse_stuck()?;
        if let Direction::Back(to) = state.direction() {
            let failure = Failure::permanent(format!("a rollback to {to} is under way"));
            return Err(Stop::Refused(
                failure.hint(format!("`migrate rollback --to {}` goes on with it", to.number())),
            ));
        }
        // Production that is being changed is watched whatever is missing by now; each of its changes asks again.
        let is_under_way = phase == Phase::Production && state.direction() == Direction::Forward(phase);
        if !is_under_way {
            let missing = missing_for(state, &self.parts.plan, phase, self.parts.ledger.now());
            refuse_missing(phase, &format!("{phase} may not be entered yet"), &missing)?;
        }
        let unbuilt: Vec<String> =
            self.parts.plan.not_built(phase).into_iter().map(|step| step.kind.to_string()).collect();
        if !unbuilt.is_empty() {
            let message = format!("{phase} is not built yet in this version: {}", unbuilt.join(", "));
            return Err(Stop::Refused(Failure::permanent(message).hint("`migrate plan` shows which steps can run")));
        }
        Ok(())
    }

    fn start(&mut self, phase: Phase) -> Result<(), Stop> {
        let steps = self.parts.plan.steps_of(phase).map(|step| step.id.clone()).collect();
        Ok(self.parts.ledger.append(Event::PhaseStarted { phase, steps })?)
    }

    async fn drive(&mut self) -> Result<(), Stop> {
        let mut aborted = None;
        while let Some(effect) = decide(self.parts.ledger.state(), &self.parts.plan) {
            if let Some(signal) = self.parts.cancel.thrown() {
                return Err(Stop::Signalled(signal));
            }
            let done = self.carry_out(effect).await;
            // A gate that guards something has failed: what it guards is undone before anybody hears of it.
            match (done, self.tripped()) {
                (Err(Stop::Failed { step, .. }), Some(gate)) if step == gate.id => aborted = Some(gate),
                (done, _) => done?,
            }
        }
        self.refuse_stuck()?;
        aborted.map_or(Ok(()), |gate| Err(self.aborted(&gate)))
    }

    async fn carry_out(&mut self, effect: Effect) -> Result<(), Stop> {
        match effect {
            Effect::Apply(step) => self.apply(&step).await,
            Effect::Undo(step) => self.undo(&step).await,
            Effect::Fail(gate) => self.fail_after_crash(&gate),
            Effect::BeginRehearsal(step) => self.begin_rehearsal(step),
            Effect::TurnRehearsal(step) => self.turn_rehearsal(step),
            Effect::PassPhase(phase) => Ok(self.parts.ledger.append(Event::PhasePassed { phase })?),
            Effect::FinishRollback(to) => self.finish_rollback(to).await,
        }
    }

    /// A step whose undo failed waits for a person.
    fn refuse_stuck(&self) -> Result<(), Stop> {
        let Some((step, record)) = self.parts.ledger.state().stuck() else { return Ok(()) };
        let failure = record.failure.clone().unwrap_or_else(|| Failure::permanent("its undo failed"));
        Err(Stop::Stuck { step: step.clone(), failure })
    }

    /// A signal leaves a line in the journal, so that `migrate status` can say why nothing moves.
    fn checkpoint(&mut self, stopped: Result<(), Stop>) -> Result<(), Stop> {
        let cause = match &stopped {
            Err(Stop::Signalled(signal)) => Some(signal.name().to_owned()),
            Err(Stop::Waiting { step, .. }) => Some(format!("the soak {step}")),
            _ => None,
        };
        if let Some(cause) = cause {
            self.parts.ledger.append(Event::Paused { cause })?;
        }
        stopped
    }

    /// Runs something that may take long, unless the switch is thrown first. What was in flight is dropped: its
    /// intent is journalled, and a probe will find out what became of it.
    pub(super) async fn guarded<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            signal = self.parts.cancel.wait() => Err(Stop::Signalled(signal)),
            done = work => Ok(done),
        }
    }

    /// Waits, unless the switch is thrown first.
    pub(super) async fn pause(&self, duration: std::time::Duration) -> Result<(), Stop> {
        self.guarded(self.parts.read.clock.sleep(duration)).await
    }

    /// Reads, and reads again while it is worth it. Reads change nothing, so repeating them is safe.
    pub(super) async fn reading<T, F, W>(&self, mut ask: W) -> Result<Result<T, Failure>, Stop>
    where
        W: FnMut() -> F,
        F: Future<Output = Result<T, Failure>>,
    {
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match self.guarded(ask()).await? {
                Ok(answer) => return Ok(Ok(answer)),
                Err(failure) => failure,
            };
            let Some(wait) = self.parts.backoff.next(failure.class, tried) else { return Ok(Err(failure)) };
            self.say(format!("{} ({}); asking again in {:.1} s", failure.message, failure.class, wait.as_secs_f64()));
            self.pause(wait).await?;
        }
    }

    pub(super) fn say(&self, message: String) {
        self.parts.progress.report(Progress::message(message));
    }

    fn facts(&self) -> Facts {
        self.parts.ledger.state().facts()
    }

    /// What a step may know.
    pub(super) fn facts_for(&self, planned: &PlannedStep) -> Facts {
        self.parts.ledger.state().facts_for(&self.parts.plan, planned)
    }

    pub(super) fn reader<'a>(&'a self, facts: &'a Facts) -> ReadContext<'a> {
        ReadContext {
            plan: &self.parts.plan,
            facts,
            base_directory: &self.parts.base_directory,
            ports: &self.parts.read,
            progress: self.parts.progress.as_ref(),
        }
    }

    pub(super) fn writer<'a>(
        &'a self,
        read: &'a ReadContext<'a>,
        production: &'a [WritableTarget],
    ) -> Result<WriteContext<'a>, Stop> {
        let no_run = || Stop::Refused(Failure::permanent("no run is open"));
        let run = self.parts.ledger.state().run().ok_or_else(no_run)?;
        Ok(WriteContext { read, run, ports: &self.parts.write, production })
    }

    /// The production targets that may be written on now; none before phase 4.
    pub(super) fn writable_production(&self) -> Vec<WritableTarget> {
        let authority = self.parts.ledger.state().production_authority(self.parts.ledger.now());
        let targets = &self.parts.plan.rollout().production.targets;
        authority.map_or_else(Vec::new, |authority| {
            targets.iter().map(|target| WritableTarget::production(target, &authority)).collect()
        })
    }

    /// Stores measurements; how the journal refers to them.
    pub(super) fn keep(&mut self, step: &StepId, measurements: Vec<Measurement>) -> Result<Vec<EvidenceRef>, Stop> {
        let plan = self.parts.plan.digest().clone();
        let measured_at = self.parts.ledger.now();
        let mut kept = Vec::new();
        for measurement in measurements {
            let document =
                EvidenceDocument { version: 1, measured_at, plan: plan.clone(), step: step.clone(), measurement };
            let digest = self.parts.evidence.put(&document)?;
            let Measurement { verdict, summary, resource, proves, .. } = document.measurement;
            kept.push(EvidenceRef { digest, measured_at, plan: plan.clone(), verdict, summary, resource, proves });
        }
        Ok(kept)
    }
}
