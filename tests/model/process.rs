//! One process of `migrate`: the engine's protocol, one micro-step at a time. Between any two of them it may die.

use migrate::core::{
    Contract, Effect, Event, Facts, Failure, FailureClass, Holder, Outcome, Phase, PlanDigest, RunId, StepId,
    StepStatus, Verdict, decide,
};

use crate::bug::Bug;
use crate::operator::{Command, commands};
use crate::position::{At, Process, Turn};
use crate::rig::{Rig, State};
use crate::scenario::proven_in;
use crate::support::{at, evidence};
use crate::trace::Visible;
use crate::watching::after_window;
use crate::world::{Place, Rehearsed};

fn failure(class: FailureClass) -> Failure {
    Failure::new(class, "modelled")
}

/// Process `who` takes its next micro-step.
pub fn advance(rig: &Rig, state: &mut State, who: usize, turn: Turn) {
    take(rig, state, who, turn, &mut None);
}

/// As [`advance`]; returns what is visible of it from outside. A micro-step does one visible thing at most, because a process
/// may die between any two of them.
pub fn advance_visibly(rig: &Rig, state: &mut State, who: usize, turn: Turn) -> Option<Visible> {
    let mut seen = Some(Vec::new());
    take(rig, state, who, turn, &mut seen);
    let mut seen = seen.into_iter().flatten();
    let first = seen.next();
    assert_eq!(seen.next(), None, "a second thing in one micro-step, after {first:?}");
    first
}

fn take(rig: &Rig, state: &mut State, who: usize, turn: Turn, seen: &mut Option<Vec<Visible>>) {
    let Some(process) = state.processes[who].clone() else { return };
    let next = Step { rig, state, who, process, seen }.take(turn);
    // An append that was refused has ended the process already.
    if let Some(process) = &mut state.processes[who] {
        match next {
            Some(at) => process.at = at,
            None => state.processes[who] = None,
        }
    }
}

/// One micro-step being taken.
pub struct Step<'a> {
    /// What is walked.
    pub rig: &'a Rig,
    /// Where everything is.
    pub state: &'a mut State,
    pub who: usize,
    pub process: Process,
    /// What is visible of it; `None` while every interleaving is visited.
    pub seen: &'a mut Option<Vec<Visible>>,
}

impl Step<'_> {
    /// Where the process is afterwards; `None` when it has ended.
    fn take(&mut self, turn: Turn) -> Option<At> {
        match self.process.at {
            At::Locked => self.open(),
            At::Leased => self.open_run(),
            At::Begin => self.begin(),
            At::Decide => self.decide(),
            At::Beginning(step) => self.begin_rehearsal(step),
            At::Probe(step) => Some(self.probe(step)),
            At::Useless(step) => self.replace(step),
            At::Act(step) => self.act(step, turn),
            At::Lost(step) => match turn {
                Turn::GiveUp if self.bug(Bug::LostReplyIsClean) => Some(At::Failing(step, Outcome::Clean)),
                Turn::GiveUp => Some(At::Failing(step, Outcome::Unknown)),
                _ => Some(At::Probe(step)),
            },
            At::Made(step) => self.made(step),
            At::Failing(step, outcome) => {
                let failure = failure(FailureClass::Transient);
                let accepted = self.append(Event::StepFailed { step: self.id(step), outcome, failure });
                if accepted {
                    self.state.world.places[step].rehearsed = Rehearsed::No;
                }
                accepted.then(|| self.after_failure())
            }
            At::Watch(step) => self.watch(step, turn),
            At::Held(step) => {
                Some(if turn == Turn::GiveUp { At::Failing(step, Outcome::Clean) } else { At::Watch(step) })
            }
            At::Watched(step, seconds) => self.count(step, u64::from(seconds)),
            At::Judge(step) => self.judge(step, turn),
            At::Judged(step, verdict) => self.judged(step, verdict),
            At::UndoProbe(step) => {
                self.show(|_| Visible::Looked(step));
                let there = self.state.world.places[step].live > 0;
                Some(if there { At::UndoAct(step) } else { At::Gone(step) })
            }
            At::UndoAct(step) => self.remove(step, turn),
            At::Gone(step) => self.gone(step),
            At::Sticking(step) => {
                let failure = failure(FailureClass::Permanent);
                self.append(Event::UndoFailed { step: self.id(step), failure }).then_some(At::Close)
            }
            At::Close => {
                self.append(Event::LeaseReleased);
                None
            }
        }
    }

    fn open(&mut self) -> Option<At> {
        let fence = self.state.journal.fence().next();
        self.process.fence = fence;
        self.state.processes[self.who] = Some(self.process.clone());
        let holder = Holder::new(if self.who == 0 { "first" } else { "second" });
        let taken = self.append(Event::LeaseTaken { holder, reason: "modelled".into() });
        let next = if self.state.journal.run().is_none() { At::Leased } else { At::Begin };
        taken.then_some(next)
    }

    fn open_run(&mut self) -> Option<At> {
        let opened = Event::RunOpened { run: RunId::new("run"), rollout: "rollout".into(), plan: self.digest() };
        self.append(opened).then_some(At::Begin)
    }

    fn begin(&mut self) -> Option<At> {
        if !commands(self.rig, &self.state.journal).contains(&self.process.command) {
            // Refused before anything is written.
            return Some(At::Close);
        }
        match self.process.command {
            Command::Rollback => {
                let started = Event::RollbackStarted { to: Phase::Preflight, reason: None };
                let accepted = self.append(started);
                if accepted {
                    self.state.world.end_rehearsals();
                }
                accepted.then_some(At::Decide)
            }
            Command::Phase(_) if self.finds_abort() => Some(At::Decide),
            Command::Phase(phase) => {
                let passed = |phase| self.state.journal.has_passed(phase);
                let preflight_first = phase == Phase::Infrastructure && !passed(Phase::Preflight);
                let phase = if preflight_first { Phase::Preflight } else { phase };
                let steps = self.rig.scenario.plan.steps_of(phase).map(|step| step.id.clone()).collect();
                self.append(Event::PhaseStarted { phase, steps }).then_some(At::Decide)
            }
            Command::Settle(resolution) => {
                let step = self.state.journal.stuck()?.0.clone();
                if resolution == migrate::core::Resolution::Forgotten {
                    // "It is gone, or nobody's business any more": either way it is no longer ours.
                    let index = self.index(&step);
                    self.state.world.remove(index);
                    self.state.world.places[index] = Place::default();
                    self.state.world.note_empty();
                }
                // A person has looked: what becomes of it is theirs to say.
                self.state.world.places.iter_mut().for_each(|place| place.condemned = false);
                let settled = Event::settled(step, resolution, "operator", "looked");
                self.append(settled).then_some(At::Close)
            }
        }
    }

    fn decide(&mut self) -> Option<At> {
        let journal = self.state.journal.clone();
        let effect =
            crate::seeded::decide_with(self.rig, &journal).or_else(|| decide(&journal, &self.rig.scenario.plan));
        match effect {
            None => Some(At::Close),
            Some(Effect::Apply(step)) => self.intend(&step),
            Some(Effect::Fail(gate)) => Some(At::Failing(self.index(&gate), Outcome::Clean)),
            Some(Effect::BeginRehearsal(step)) if self.bug(Bug::NeverRehearsed) => self.intend(&step),
            Some(Effect::BeginRehearsal(step)) => {
                let index = self.index(&step);
                self.start(&step).then_some(At::Beginning(index))
            }
            Some(Effect::TurnRehearsal(step)) => {
                self.append(Event::RehearsalTurned { step, at: at(0) }).then_some(At::Decide)
            }
            Some(Effect::Undo(step)) => {
                let index = self.index(&step);
                self.append(Event::UndoStarted { step: step.clone() }).then(|| {
                    self.hold(self.state.journal.undo_permit(&step).map(|permit| permit.step().clone()));
                    At::UndoProbe(index)
                })
            }
            Some(Effect::PassPhase(phase)) => {
                let asked = self.process.command == Command::Phase(phase);
                self.append(Event::PhasePassed { phase }).then_some(if asked { At::Close } else { At::Begin })
            }
            Some(Effect::FinishRollback(to)) => {
                if !self.state.world.is_empty() && !self.bug(Bug::RollbackEndsUnseen) {
                    // Left over: the engine says so and journals nothing.
                    return Some(At::Close);
                }
                let is_full = !self.state.world.is_empty();
                let ghosts = &mut self.state.world.ghosts;
                ghosts.returned |= ghosts.made;
                ghosts.ended_full |= is_full;
                self.append(Event::RollbackFinished { to }).then_some(At::Close)
            }
        }
    }

    fn intend(&mut self, step: &StepId) -> Option<At> {
        let index = self.index(step);
        if self.bug(Bug::EffectBeforeIntent) {
            return Some(At::Probe(index));
        }
        let crashed_here = self.state.journal.status(step) == Some(StepStatus::Started);
        self.start(step).then(|| {
            let is_change = self.contract(index) == Contract::Change;
            if crashed_here && is_change && self.bug(Bug::BlindRetry) { At::Act(index) } else { At::Probe(index) }
        })
    }

    fn begin_rehearsal(&mut self, step: usize) -> Option<At> {
        let accepted = self.append(Event::RehearsalBegan { step: self.id(step), at: at(0) });
        if accepted {
            self.state.world.places[step].rehearsed = Rehearsed::Begun;
        }
        accepted.then_some(At::Decide)
    }

    fn start(&mut self, step: &StepId) -> bool {
        let planned = &self.rig.scenario.plan.steps()[self.index(step)];
        let started = Event::StepStarted { step: step.clone(), phase: planned.phase, contract: planned.contract };
        let accepted = self.append(started);
        if accepted {
            self.hold(self.state.journal.apply_permit(step).map(|permit| permit.step().clone()));
        }
        accepted
    }

    fn probe(&mut self, step: usize) -> At {
        match self.contract(step) {
            Contract::Observe | Contract::Gate | Contract::Rehearsal => return At::Judge(step),
            Contract::Soak { .. } => return self.resume_watch(step),
            Contract::Exercise => return At::Act(step), // It sets things in full: no look is needed.
            Contract::Change => {}
        }
        self.show(|_| Visible::Looked(step));
        let place = self.state.world.places[step];
        if place.live == 0 {
            return At::Act(step);
        }
        if place.broken && !self.bug(Bug::BrokenAdopted) {
            return At::Useless(step);
        }
        self.state.world.ghosts.adopted = true;
        At::Made(step)
    }

    /// Ours, and of no use: it has to go before a new one is made.
    fn replace(&mut self, step: usize) -> Option<At> {
        let id = self.id(step);
        self.append(Event::UndoStarted { step: id.clone() }).then(|| {
            self.hold(self.state.journal.undo_permit(&id).map(|permit| permit.step().clone()));
            At::UndoProbe(step)
        })
    }

    fn act(&mut self, step: usize, turn: Turn) -> Option<At> {
        if !self.bug(Bug::RetryWithoutLease) && self.is_stale_retry() {
            return None;
        }
        self.account(step);
        self.note_overtaking(step);
        let happens = !matches!(turn, Turn::Denied | Turn::LostBefore);
        let is_made = happens && self.state.world.create(step, turn == Turn::Broken);
        self.show(|world| Visible::Asked(step, world.standing()));
        match turn {
            Turn::Denied => return Some(At::Failing(step, Outcome::Clean)),
            Turn::LostBefore => return Some(At::Lost(step)),
            _ => {}
        }
        if !is_made {
            // There is one of that name: looks whose it is.
            return Some(At::Probe(step));
        }
        self.late();
        // Whether it is usable shows only when it is looked at.
        Some(match turn {
            Turn::LostAfter => At::Lost(step),
            Turn::Broken => At::Failing(step, Outcome::Unknown),
            _ if self.contract(step).is_judged() => At::Judge(step),
            _ => At::Made(step),
        })
    }

    fn made(&mut self, step: usize) -> Option<At> {
        let id = self.id(step);
        if self.bug(Bug::EffectBeforeIntent) && !self.start(&id) {
            return None;
        }
        let accepted = self.append(Event::StepSucceeded { step: id, facts: Facts::new(), evidence: Vec::new() });
        if accepted && self.contract(step) == Contract::Rehearsal {
            let steps = self.rig.scenario.plan.steps();
            self.state.world.count_rehearsal(step, |index| steps[index].contract.changes());
        }
        accepted.then_some(At::Decide)
    }

    fn judge(&mut self, step: usize, turn: Turn) -> Option<At> {
        let Turn::Says(found) = turn else { return None };
        self.show(|_| Visible::Found(step, found));
        self.state.world.places[step].found = Some(found);
        self.state.world.places[step].outdated = false;
        if self.bug(Bug::SuccessUnjudged) {
            return Some(At::Made(step));
        }
        let claimed =
            if found == Verdict::Inconclusive && self.bug(Bug::InconclusivePasses) { Verdict::Pass } else { found };
        Some(At::Judged(step, claimed))
    }

    fn judged(&mut self, step: usize, verdict: Verdict) -> Option<At> {
        let id = self.id(step);
        let record = self.state.journal.step(&id)?;
        if record.verdict != Some(verdict) || record.evidence.is_empty() {
            let proves = proven_in(self.rig.scenario.plan.steps()[step].phase);
            let evidence = vec![evidence(&self.digest(), at(0), verdict, &proves)];
            let judged = Event::GateJudged { step: id, verdict, reason: "modelled".into(), evidence };
            // Stays here: the success or the failure is the next micro-step.
            return self.append(judged).then(|| {
                self.condemn(step, verdict);
                At::Judged(step, verdict)
            });
        }
        if matches!(self.contract(step), Contract::Soak { .. }) {
            return Some(after_window(step, verdict));
        }
        Some(if verdict.passes() { At::Made(step) } else { At::Failing(step, Outcome::Clean) })
    }

    fn remove(&mut self, step: usize, turn: Turn) -> Option<At> {
        if !self.bug(Bug::RetryWithoutLease) && self.is_stale_retry() {
            return None;
        }
        self.account(step);
        let happens = !matches!(turn, Turn::Permanent | Turn::LostBefore);
        let is_removed = happens && self.state.world.remove(step);
        self.show(|world| Visible::Asked(step, world.standing()));
        match turn {
            Turn::Permanent => return Some(At::Sticking(step)),
            Turn::LostBefore if self.bug(Bug::UndoUnseen) => return Some(At::Gone(step)),
            Turn::LostBefore => return Some(At::UndoProbe(step)),
            _ => {}
        }
        // Still in use, for longer than anyone waits: that is permanent. So is a refusal that came too late to stop it.
        if is_removed {
            self.late();
        }
        if !is_removed || turn == Turn::Misreported {
            return Some(At::Sticking(step));
        }
        // Lost or not: an undo ends with a look.
        Some(At::UndoProbe(step))
    }

    fn gone(&mut self, step: usize) -> Option<At> {
        let accepted = self.append(Event::UndoFinished { step: self.id(step) });
        if accepted {
            self.state.world.places[step].watched = 0;
            self.state.world.places[step].found = None;
        }
        accepted.then_some(At::Decide)
    }

    pub fn bug(&self, bug: Bug) -> bool {
        self.rig.bug == Some(bug)
    }

    fn digest(&self) -> PlanDigest {
        self.rig.scenario.plan.digest().clone()
    }

    pub fn id(&self, step: usize) -> StepId {
        self.rig.scenario.plan.steps()[step].id.clone()
    }

    pub fn index(&self, step: &StepId) -> usize {
        let steps = self.rig.scenario.plan.steps();
        steps.iter().position(|planned| &planned.id == step).expect("the journal names steps of the plan")
    }

    pub fn contract(&self, step: usize) -> Contract {
        self.rig.scenario.plan.steps()[step].contract
    }
}
