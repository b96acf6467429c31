//! A world, a plan and a journal, and what it takes to run one step by hand. Permits come from replayed events, here as
//! everywhere: there is no other way to get one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate::adapters::LocalFiles;
use migrate::configuration::InstalledFiles;
use migrate::core::{
    ApplyPermit, Contract, Event, Facts, Failure, Fence, Holder, Measurement, Phase, Plan, PlanDigest, REHEARSAL_BEGAN,
    REHEARSAL_TURNED, RunId, RunState, Stamped, StepId, StepStatus, UndoPermit,
};
use migrate::ports::{Clock, Progress, ProgressSink, WritableTarget, WriteFailure};
use migrate::sim::World;
use migrate::steps::{
    self, Change, Condition, Exercise, Observation, Presence, ReadContext, ReadPorts, Step, Watched, WriteContext,
    WritePorts,
};

use super::{site, support};

/// How long one look of a soak takes.
const WINDOW: Duration = Duration::from_secs(60);

/// A journal in memory: every state is a replay of what was appended.
#[derive(Clone)]
pub struct Journal {
    events: Vec<Stamped>,
    phase: Phase,
    plan: PlanDigest,
}

impl Journal {
    fn open(plan: &Plan) -> Self {
        let mut journal = Self { events: Vec::new(), phase: Phase::Infrastructure, plan: plan.digest().clone() };
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

    /// Walks the phase of a step; everything before it has passed.
    fn walk(&mut self, step: &StepId) -> Phase {
        let number: u8 = step.as_str()[..1].parse().unwrap();
        let wanted = Phase::try_from(number).unwrap();
        while self.phase != wanted {
            if self.phase < wanted {
                self.append(Event::PhasePassed { phase: self.phase });
                self.phase = Phase::try_from(self.phase.number() + 1).unwrap();
            } else {
                self.phase = wanted;
            }
            if self.phase == Phase::Production {
                self.append(Event::Approved {
                    phase: self.phase,
                    by: "someone".into(),
                    reason: "conformance".into(),
                    expires_at: jiff::Timestamp::MAX,
                    plan: self.plan.clone(),
                });
            }
            self.append(Event::PhaseStarted { phase: self.phase, steps: Vec::new() });
        }
        wanted
    }

    /// The permit to act for a step: its intent is journalled first.
    pub fn start(&mut self, step: &StepId) -> ApplyPermit {
        let (phase, contract) = (self.walk(step), Contract::Change);
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

/// Whether a step makes something that is over by itself.
pub fn passes_by_itself(id: &StepId) -> bool {
    id.as_str().ends_with(".store-loss")
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

/// A simulated world to look at and to change, and the repository's own files to install.
pub fn ports(world: &World) -> (ReadPorts, WritePorts) {
    support::ports(world, LocalFiles::new(site::installed()))
}

impl Stage {
    pub fn new(plan: Plan) -> Self {
        let world = World::from_rollout(plan.rollout());
        let (read, write) = ports(&world);
        Self {
            read,
            write,
            journal: Journal::open(&plan),
            heard: Heard::default(),
            facts: Facts::new(),
            base: site::root(),
            world,
            plan,
        }
    }

    /// The same until now; what happens to one of them from here on does not happen to the other.
    pub fn fork(&self) -> Self {
        let world = self.world.fork();
        let (read, write) = ports(&world);
        Self {
            read,
            write,
            journal: self.journal.clone(),
            heard: Heard::default(),
            facts: self.facts.clone(),
            base: self.base.clone(),
            world,
            plan: self.plan.clone(),
        }
    }

    /// A rehearsal that took a minute back and two minutes forth, as the engine and the reducer leave it.
    pub async fn rehearse(&mut self) {
        for (moment, takes) in [(REHEARSAL_BEGAN, 60), (REHEARSAL_TURNED, 120)] {
            self.facts.extend(&Facts::new().with_fact(moment, self.world.now()));
            self.world.sleep(Duration::from_secs(takes)).await;
        }
    }

    /// From now on phases install other files.
    pub fn installs(&mut self, files: InstalledFiles) {
        self.read.local = Arc::new(LocalFiles::new(files));
    }

    pub fn id(&self, kind: &str) -> StepId {
        site::step_of(&self.plan, kind).id.clone()
    }

    pub fn change(&self, kind: &str) -> Box<dyn Change> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Change(step) => step,
            Step::Observe(_) | Step::Exercise(_) | Step::Watch(_) => panic!("{kind} is no change"),
        }
    }

    /// The production targets that may be written on now, as the engine finds them.
    fn production(&self) -> Vec<WritableTarget> {
        let targets = &self.plan.rollout().production.targets;
        let authority = self.journal.state().production_authority(self.world.now());
        authority.map_or_else(Vec::new, |authority| {
            targets.iter().map(|target| WritableTarget::production(target, &authority)).collect()
        })
    }

    pub fn reader<'a>(&'a self, facts: &'a Facts) -> ReadContext<'a> {
        ReadContext { plan: &self.plan, facts, base_directory: &self.base, ports: &self.read, progress: &self.heard }
    }

    pub async fn observe(&self, kind: &str) -> Result<Observation, Failure> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Observe(step) => step.observe(&self.reader(&self.facts)).await,
            Step::Watch(_) => self.watch(kind, WINDOW).await.map(|watched| watched.observation),
            Step::Change(_) | Step::Exercise(_) => panic!("{kind} is not an observer"),
        }
    }

    /// One window of a soak.
    pub async fn watch(&self, kind: &str, window: Duration) -> Result<Watched, Failure> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Watch(step) => step.watch(&self.reader(&self.facts), window).await,
            _ => panic!("{kind} does not watch"),
        }
    }

    pub fn exercise(&self, kind: &str) -> Box<dyn Exercise> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Exercise(step) => step,
            Step::Observe(_) | Step::Change(_) | Step::Watch(_) => panic!("{kind} is no exercise"),
        }
    }

    /// Journals the intent, acts and judges.
    pub async fn perform(&mut self, id: &StepId, step: &dyn Exercise) -> Result<Observation, WriteFailure> {
        let permit = self.journal.start(id);
        let (run, production) = (permit.run().clone(), self.production());
        let read = self.reader(&self.facts);
        step.perform(&WriteContext { read: &read, run: &run, ports: &self.write, production: &production }, &permit)
            .await
    }

    /// Has a gate judge: one that acts for it acts.
    pub async fn judged(&mut self, kind: &str) -> Result<Observation, Failure> {
        match steps::build(site::step_of(&self.plan, kind)).unwrap() {
            Step::Exercise(step) => {
                let id = self.id(kind);
                self.perform(&id, &*step).await.map_err(|failed| failed.failure)
            }
            _ => self.observe(kind).await,
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
        let (run, production) = (permit.run().clone(), self.production());
        let read = self.reader(&self.facts);
        step.apply(&WriteContext { read: &read, run: &run, ports: &self.write, production: &production }, &permit).await
    }

    /// Waits and measures, as after an apply.
    pub async fn verify(&self, step: &dyn Change) -> Vec<Measurement> {
        let facts = step.settle(&self.reader(&self.facts)).await.unwrap();
        step.verify(&self.reader(&self.facts), &facts).await.unwrap()
    }

    /// Journals the intent and undoes, without any facts.
    pub async fn undo(&mut self, id: &StepId, step: &dyn Change) -> Result<(), WriteFailure> {
        let permit = self.journal.start_undo(id);
        let (run, production) = (permit.run().clone(), self.production());
        let facts = Facts::new();
        let read = self.reader(&facts);
        step.undo(&WriteContext { read: &read, run: &run, ports: &self.write, production: &production }, &permit).await
    }

    /// Journals the intent and undoes an exercise, without any facts.
    pub async fn undo_exercise(&mut self, id: &StepId, step: &dyn Exercise) -> Result<(), WriteFailure> {
        let permit = self.journal.start_undo(id);
        let (run, production) = (permit.run().clone(), self.production());
        let facts = Facts::new();
        let read = self.reader(&facts);
        step.undo(&WriteContext { read: &read, run: &run, ports: &self.write, production: &production }, &permit).await
    }

    /// What a probe says about something that was brought up. A drill passes by itself, and is made anew each time.
    pub fn is_up(id: &StepId, presence: &Presence) -> bool {
        match presence {
            Presence::Ours(Condition::Usable) => !passes_by_itself(id),
            Presence::Ours(Condition::Broken(_)) => passes_by_itself(id),
            _ => false,
        }
    }

    /// What the engine does with a step that is to be there: look, make it if it is absent, wait, measure.
    pub async fn bring_up(&mut self, id: &StepId, step: &dyn Change) {
        match self.probe(step).await {
            Presence::Absent | Presence::Ours(Condition::Unfinished) => {
                self.apply(id, step).await.unwrap_or_else(|failed| panic!("{id}: {failed}"));
            }
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
        let presence = self.probe(step).await;
        assert!(Self::is_up(id, &presence), "{id}: {presence:?}");
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
