//! A run that is written event by event, under one lease.

use migrate::core::{
    Contract, Event, Facts, Failure, Fence, Holder, Outcome, Phase, Plan, RunId, RunState, Stamped, StepId, Verdict,
};

use crate::support::{id, plan, planned};

/// Preflight with a look, phase 1 with a change and a gate, phase 2 with a soak of ten seconds.
pub fn small_plan() -> Plan {
    plan(vec![
        planned("0.look", Phase::Preflight, Contract::Observe),
        planned("1.make", Phase::Infrastructure, Contract::Change),
        planned("1.gate", Phase::Infrastructure, Contract::Gate),
        planned("2.soak", Phase::StagingCopy, Contract::Soak { seconds: 10 }),
    ])
}

/// The same, and in phase 2 two changes with a look between them, then a rehearsal, then the soak.
pub fn rehearsed_plan() -> Plan {
    let copied = |name, contract| planned(name, Phase::StagingCopy, contract);
    let mut steps = small_plan().steps().to_vec();
    let before_the_soak = [
        copied("2.copy", Contract::Change),
        copied("2.look", Contract::Gate),
        copied("2.process", Contract::Change),
        copied("2.rehearsal", Contract::Rehearsal),
    ];
    let soak = steps.pop();
    steps.extend(before_the_soak);
    steps.extend(soak);
    plan(steps)
}

/// A journal being written.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its plan.
    pub plan: Plan,
    /// Where it stands.
    pub state: RunState,
    fence: Fence,
}

impl Run {
    /// A run that is open and has done nothing.
    pub fn open() -> Self {
        let plan = small_plan();
        let digest = plan.digest().clone();
        let mut run = Self { plan, state: RunState::default(), fence: Fence(1) };
        run.add(taken("me"));
        run.add(Event::RunOpened { run: RunId::new("run"), rollout: "rollout".into(), plan: digest });
        run
    }

    /// The same, with another plan.
    pub fn open_with(plan: Plan) -> Self {
        Self { plan, ..Self::open() }
    }

    /// Adds an event that must be legal.
    pub fn add(&mut self, event: Event) -> &mut Self {
        let stamped = Stamped { fence: self.fence, event };
        self.state = self.state.clone().apply(&stamped).unwrap_or_else(|error| panic!("{error}: {stamped:?}"));
        self
    }

    /// Adds an event that must be refused; in which words.
    pub fn refused(&self, event: Event) -> String {
        let stamped = Stamped { fence: self.fence, event };
        let error = self.state.clone().apply(&stamped).expect_err("it is illegal");
        error.to_string()
    }

    /// Walks a phase to its end.
    pub fn pass(&mut self, phase: Phase) -> &mut Self {
        let steps: Vec<_> = self.plan.steps_of(phase).cloned().collect();
        self.add(Event::PhaseStarted { phase, steps: steps.iter().map(|step| step.id.clone()).collect() });
        for step in steps {
            self.start(step.id.as_str());
            if step.contract.is_judged() {
                self.judge(step.id.as_str(), Verdict::Pass);
            }
            if let Contract::Soak { seconds } = step.contract {
                self.add(Event::SoakObserved { step: step.id.clone(), seconds, window: None });
            }
            self.add(succeeded(step.id.as_str()));
        }
        self.add(Event::PhasePassed { phase })
    }

    /// Asks for a phase.
    pub fn walk(&mut self, phase: Phase) -> &mut Self {
        let steps = self.plan.steps_of(phase).map(|step| step.id.clone()).collect();
        self.add(Event::PhaseStarted { phase, steps })
    }

    /// Journals the intent of a step of the plan.
    pub fn start(&mut self, step: &str) -> &mut Self {
        let started = self.started(step);
        self.add(started)
    }

    /// The intent of a step of the plan.
    pub fn started(&self, step: &str) -> Event {
        let planned = self.plan.step(&id(step)).expect("a step of the plan");
        Event::StepStarted { step: id(step), phase: planned.phase, contract: planned.contract }
    }

    /// Journals a verdict.
    pub fn judge(&mut self, step: &str, verdict: Verdict) -> &mut Self {
        self.add(Event::GateJudged { step: id(step), verdict, reason: String::new(), evidence: Vec::new() })
    }

    /// A step is done, whatever it takes.
    pub fn done(&mut self, step: &str) -> &mut Self {
        self.start(step);
        if self.plan.step(&id(step)).is_some_and(|planned| planned.contract.is_judged()) {
            self.judge(step, Verdict::Pass);
        }
        self.add(succeeded(step))
    }

    /// A step is undone.
    pub fn undo(&mut self, step: &str) -> &mut Self {
        self.add(Event::UndoStarted { step: id(step) }).add(Event::UndoFinished { step: id(step) })
    }

    /// Brings a step into `Stuck`.
    pub fn stick(&mut self, step: &str) -> &mut Self {
        self.add(Event::UndoStarted { step: id(step) });
        self.add(Event::UndoFailed { step: id(step), failure: Failure::permanent("in use") })
    }
}

/// A lease is taken.
pub fn taken(holder: &str) -> Event {
    Event::LeaseTaken { holder: Holder::new(holder), reason: "a test".into() }
}

/// A step succeeded and learnt nothing.
pub fn succeeded(step: &str) -> Event {
    Event::StepSucceeded { step: id(step), facts: Facts::new(), evidence: Vec::new() }
}

/// A step failed.
pub fn failed(step: &str, outcome: Outcome) -> Event {
    Event::StepFailed { step: id(step), outcome, failure: Failure::transient("the network") }
}

/// A rollback is asked for.
pub fn back(to: Phase) -> Event {
    Event::RollbackStarted { to, reason: None }
}

/// A phase is asked for, with these steps.
pub fn phase(phase: Phase, steps: &[&str]) -> Event {
    let steps: Vec<StepId> = steps.iter().map(|step| id(step)).collect();
    Event::PhaseStarted { phase, steps }
}
