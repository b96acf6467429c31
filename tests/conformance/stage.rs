//! A world, a plan and a journal, and what it takes to run one step by hand. Permits come from replayed events, here as
//! everywhere: there is no other way to get one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate::core::{
    ApplyPermit, Contract, Event, Facts, Failure, Fence, Holder, Phase, Plan, RunId, RunState, Stamped, StepId,
    StepStatus, UndoPermit,
};
use migrate::ports::{Clock, Progress, ProgressSink, WriteFailure};
use migrate::sim::World;
use migrate::steps::{
    self, Change, Condition, Observation, Presence, ReadContext, ReadPorts, Step, WriteContext, WritePorts,
};

use super::site;

/// A journal in memory: every state is a replay of what was appended.
pub struct Journal {
    events: Vec<Stamped>,
}

impl Journal {
    fn open(plan: &Plan) -> Self {
        let mut journal = Self { events: Vec::new() };
        journal.append(Event::LeaseTaken { holder: Holder::new("test"), reason: "conformance".into() });
        let (run, rollout) = (RunId::new("run-1"), plan.rollout().name.to_string());
        journal.append(Event::RunOpened { run, rollout, plan: plan.digest().clone() });
        for phase in [Phase::Preflight, Phase::Infrastructure] {
            journal.append(Event::PhaseStarted { phase, steps: Vec::new() });
            if phase < Phase::Infrastructure {
                journal.append(Event::PhasePassed { phase });
            }
        }
        journal
    }

    fn append(&mut self, event: Event) {
        self.events.push(Stamped { fence: Fence(1), event });
        self.state();
    }

    pub fn state(&self) -> RunState {
        RunState::replay(&self.events).unwrap()
    }

    /// The permit to act for a step: its intent is journalled first.
    pub fn start(&mut self, step: &StepId) -> ApplyPermit {
        let (phase, contract) = (Phase::Infrastructure, Contract::Change);
        self.append(Event::StepStarted { step: step.clone(), phase, contract });
        self.state().apply_permit(step).unwrap()
    }

    /// The permit to undo a step: its intent is journalled first.
    pub fn start_undo(&mut self, step: &StepId) -> UndoPermit {
        if self.state().status(step).is_none_or(|status| status == StepStatus::Undone) {
            self.start(step);
        }
        self.append(Event::UndoStarted { step: step.clone() });
        self.state().undo_permit(step).unwrap()
    }

    pub fn undone(&mut self, step: &StepId) {
        self.append(Event::UndoFinished { step: step.clone() });
    }
}

/// Remembers what was reported.
#[derive(Default)]
pub struct Heard(Mutex<Vec<Progress>>);

impl Heard {
    pub fn all(&self) -> Vec<Progress> {
        self.0.lock().unwrap().clone()
    }
}

impl ProgressSink for Heard {
    fn report(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

pub struct Stage {
    pub world: World,
    pub plan: Plan,
    pub facts: Facts,
    pub journal: Journal,
    pub heard: Heard,
    base: PathBuf,
    read: ReadPorts,
    write: WritePorts,
}

impl Stage {
    pub fn new(plan: Plan) -> Self {
        let world = World::from_rollout(plan.rollout());
        let shared = Arc::new(world.clone());
        Self {
            read: ReadPorts {
                cloud: shared.clone(),
                targets: shared.clone(),
                cache: shared.clone(),
                secrets: shared.clone(),
                clock: shared.clone(),
            },
            write: WritePorts { cloud: shared.clone(), targets: shared },
            journal: Journal::open(&plan),
            heard: Heard::default(),
            facts: Facts::new(),
            base: site::root(),
            world,
            plan,
        }
    }

    /// The usual site, with everything before the step of this kind done.
    pub async fn before(kind: &str) -> Self {
        Self::before_in(site::plan(site::rollout()), kind).await
    }

    pub async fn before_in(plan: Plan, kind: &str) -> Self {
        let mut stage = Self::new(plan);
        for planned in stage.plan.steps().to_vec() {
            if planned.kind.as_str() == kind {
                break;
            }
            match steps::build(&planned).unwrap() {
                Step::Observe(_) => {
                    let seen = stage.observe(planned.kind.as_str()).await.unwrap();
                    stage.facts.extend(&seen.facts);
                }
                Step::Change(step) => stage.bring_up(&planned.id, &*step).await,
            }
        }
        stage
    }

    pub fn id(&self, kind: &str) -> StepId {
        site::step_of(&self.plan, kind).id.clone()
    }

    pub fn change(&self, kind: &str) -> Box<dyn Change> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Change(step) => step,
            Step::Observe(_) => panic!("{kind} changes nothing"),
        }
    }

    pub fn reader<'a>(&'a self, facts: &'a Facts) -> ReadContext<'a> {
        ReadContext { plan: &self.plan, facts, base_directory: &self.base, ports: &self.read, progress: &self.heard }
    }

    pub async fn observe(&self, kind: &str) -> Result<Observation, Failure> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Observe(step) => step.observe(&self.reader(&self.facts)).await,
            Step::Change(_) => panic!("{kind} is not an observer"),
        }
    }

    pub async fn probe(&self, step: &dyn Change) -> Presence {
        step.probe(&self.reader(&self.facts)).await.unwrap()
    }

    /// As it is when the journal was lost.
    pub async fn probe_blind(&self, step: &dyn Change) -> Presence {
        step.probe(&self.reader(&Facts::new())).await.unwrap()
    }

    /// Journals the intent and acts.
    pub async fn apply(&mut self, id: &StepId, step: &dyn Change) -> Result<(), WriteFailure> {
        let permit = self.journal.start(id);
        let run = permit.run().clone();
        let read = self.reader(&self.facts);
        step.apply(&WriteContext { read: &read, run: &run, ports: &self.write, production: &[] }, &permit).await
    }

    /// Journals the intent and undoes, without any facts.
    pub async fn undo(&mut self, id: &StepId, step: &dyn Change) -> Result<(), WriteFailure> {
        let permit = self.journal.start_undo(id);
        let run = permit.run().clone();
        let facts = Facts::new();
        let read = self.reader(&facts);
        step.undo(&WriteContext { read: &read, run: &run, ports: &self.write, production: &[] }, &permit).await
    }

    /// What the engine does with a step that is to be there: look, make it if it is absent, wait, measure.
    pub async fn bring_up(&mut self, id: &StepId, step: &dyn Change) {
        match self.probe(step).await {
            Presence::Absent => self.apply(id, step).await.unwrap_or_else(|failed| panic!("{id}: {failed}")),
            Presence::Ours(Condition::Usable | Condition::Settling(_)) => {}
            other => panic!("{id}: {other:?}"),
        }
        let facts = step.settle(&self.reader(&self.facts)).await.unwrap();
        let measured = step.verify(&self.reader(&self.facts), &facts).await.unwrap();
        assert!(!measured.is_empty(), "{id} verifies nothing");
        for measurement in &measured {
            assert!(measurement.verdict.passes(), "{id}: {}", measurement.summary);
            assert!(!format!("{measurement:?}").contains(&self.token()), "{id} shows the token");
        }
        assert!(!format!("{facts:?}").contains(&self.token()), "{id} shows the token");
        self.facts.extend(&facts);
        assert_eq!(self.probe(step).await, Presence::Ours(Condition::Usable), "{id}");
    }

    /// What the engine does with a step that is to be gone: look, ask for its removal, look until it is gone.
    pub async fn take_down(&mut self, id: &StepId, step: &dyn Change) {
        for _ in 0..1_000 {
            match self.probe_blind(step).await {
                Presence::Absent => {
                    if self.journal.state().status(id) == Some(StepStatus::Undoing) {
                        self.journal.undone(id);
                    }
                    return;
                }
                Presence::Ours(Condition::Leaving) => self.world.sleep(Duration::from_secs(10)).await,
                Presence::Ours(_) => {
                    if let Err(failed) = self.undo(id, step).await {
                        assert!(failed.failure.class.is_retryable(), "{id}: {failed}");
                        self.world.sleep(Duration::from_secs(10)).await;
                    }
                }
                Presence::Foreign(whose) => panic!("{id}: {whose}"),
            }
        }
        panic!("{id} is never gone");
    }

    /// The store's token, which must never be seen; without one, something that nobody says.
    pub fn token(&self) -> String {
        self.world.edit(|state| state.secrets.values().next().cloned()).unwrap_or_else(|| "there is no token".into())
    }
}
