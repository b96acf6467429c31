//! A world and a journal that outlive the engines that work on them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use migrate::adapters::LocalFiles;
use migrate::configuration::{LoadOptions, load};
use migrate::core::{
    Direction, Event, FactName, FactValue, Facts, Holder, Phase, Plan, Resolution, RunId, RunState, StepId, StepStatus,
};
use migrate::engine::{Backoff, Cancel, Engine, EngineParts, Signal, Stop};
use migrate::journal::{Ledger, MemoryEvidence, MemoryJournal, read_records, replay};
use migrate::ports::{EventSink, InventoryRead, JournalFault, JournalStore, Silent};
use migrate::sim::World;
use migrate::steps::BuiltInKinds;
use migrate::steps::account::tags;

use crate::support::{Deaf, ports};

/// Where a process dies at its nth append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the line is written: what it reports has happened, and nobody knows.
    Before,
    /// After the line is durable: nothing that it announces has happened yet.
    After,
}

/// A journal whose writer dies at a line.
#[derive(Clone)]
struct Dying {
    journal: MemoryJournal,
    /// How many appends are left, and how the last one ends; `None`: immortal.
    left: Arc<Mutex<Option<(usize, Cut)>>>,
}

/// What a dead process's append returns to nobody.
fn dead() -> JournalFault {
    JournalFault::Io("the process is dead".into())
}

impl JournalStore for Dying {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        self.journal.load()
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        self.journal.truncate(length)
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        let mut left = self.left.lock().unwrap();
        match &mut *left {
            None => self.journal.append(line),
            Some((0, _)) => Err(dead()),
            Some((1, cut)) => {
                if *cut == Cut::After {
                    self.journal.append(line)?;
                }
                *left = Some((0, Cut::Before));
                Err(dead())
            }
            Some((more, _)) => {
                *more -= 1;
                self.journal.append(line)
            }
        }
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        if matches!(*self.left.lock().unwrap(), Some((0, _))) { Err(dead()) } else { Ok(()) }
    }
}

/// Presses Ctrl-C.
struct Interrupter {
    cancel: Cancel,
    left: Mutex<usize>,
}

impl EventSink for Interrupter {
    fn recorded(&self, _: jiff::Timestamp, _: &Event) {
        let mut left = self.left.lock().unwrap();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.cancel.throw(Signal::Interrupt);
        }
    }
}

/// What a process is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `migrate phase 1`.
    Phase,
    /// `migrate phase 2`.
    Copy,
    /// `migrate rollback --to 1`.
    RemoveCopy,
    /// `migrate rollback --to 0`.
    Rollback,
    /// `migrate phase 2 --once`.
    CopyOnce,
    /// `migrate phase 4`.
    Production,
    /// `migrate rollback --to 3`.
    LeaveProduction,
}

/// What lasts.
pub struct Stage {
    /// The world.
    pub world: World,
    /// The plan.
    pub plan: Plan,
    journal: MemoryJournal,
}

/// The end of a run, as far as two runs should agree on it.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    direction: Direction,
    /// The phases that have passed.
    pub passed: Vec<Phase>,
    steps: Vec<(StepId, StepStatus)>,
    facts: Vec<(FactName, FactValue)>,
    standing: Vec<String>,
}

impl Stage {
    /// The site of the repository's own rollout.yaml; nothing has happened.
    pub fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let options = LoadOptions { rollout: root.join("rollout.yaml"), phases: Some(root.join("phases")) };
        let plan = load(&options, &BuiltInKinds).expect("the repository's own files are valid").plan;
        Self::with(plan)
    }

    /// A site and a plan; nothing has happened.
    pub fn with(plan: Plan) -> Self {
        Self { world: World::from_rollout(plan.rollout()), plan, journal: MemoryJournal::default() }
    }

    /// A new process that dies at its nth append, or never.
    pub fn process(&self, cut: Option<(usize, Cut)>) -> Result<Engine, Stop> {
        let store = Dying { journal: self.journal.clone(), left: Arc::new(Mutex::new(cut)) };
        self.engine(Box::new(store))
    }

    /// A new process over a journal of any kind.
    pub fn engine(&self, store: Box<dyn JournalStore>) -> Result<Engine, Stop> {
        self.engine_that_hears(store, Arc::new(Deaf), Cancel::default())
    }

    fn engine_that_hears(
        &self,
        store: Box<dyn JournalStore>,
        sink: Arc<dyn EventSink>,
        cancel: Cancel,
    ) -> Result<Engine, Stop> {
        let (read, write) = ports(&self.world, LocalFiles::default());
        let mut ledger = self.ledger(store, sink)?;
        if ledger.state().run().is_none() {
            let (run, rollout) = (RunId::new("run-1"), self.plan.rollout().name.to_string());
            ledger.append(Event::RunOpened { run, rollout, plan: self.plan.digest().clone() })?;
        }
        Ok(Engine::new(EngineParts {
            plan: self.plan.clone(),
            ledger,
            evidence: Box::new(MemoryEvidence::default()),
            read,
            write,
            base_directory: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
            progress: Arc::new(Silent),
            cancel,
            backoff: Backoff::default(),
        }))
    }

    fn ledger(&self, store: Box<dyn JournalStore>, sink: Arc<dyn EventSink>) -> Result<Ledger, JournalFault> {
        Ledger::open(store, Arc::new(self.world.clone()), sink, Holder::new("test"), "a test")
    }

    /// One process that is interrupted by Ctrl-C after its nth event; it says so in the journal and lets go.
    pub async fn interrupted(&self, command: Command, after: usize) -> Result<(), Stop> {
        let cancel = Cancel::default();
        let sink = Arc::new(Interrupter { cancel: cancel.clone(), left: Mutex::new(after) });
        let mut engine = self.engine_that_hears(Box::new(self.journal.clone()), sink, cancel)?;
        let ended = carry_out(&mut engine, command).await;
        engine.close()?;
        ended
    }

    /// One process, of which somebody hears.
    pub async fn heard(&self, command: Command, sink: Arc<dyn EventSink>) -> Result<(), Stop> {
        let mut engine = self.engine_that_hears(Box::new(self.journal.clone()), sink, Cancel::default())?;
        let ended = carry_out(&mut engine, command).await;
        engine.close()?;
        ended
    }

    /// Events that another command has written.
    pub fn journalled(&self, events: Vec<Event>) {
        let mut ledger = self.ledger(Box::new(self.journal.clone()), Arc::new(Deaf)).expect("nobody else writes");
        events.into_iter().for_each(|event| ledger.append(event).expect("it is legal"));
        ledger.close().expect("it is ours");
    }

    /// Every event of the journal.
    pub fn events(&self) -> Vec<Event> {
        let (_, records) = read_records(&self.journal.bytes()).expect("the journal is whole");
        records.into_iter().map(|record| record.entry.event).collect()
    }

    /// `migrate stuck`, for whatever is stuck.
    pub fn settle(&self, resolution: Resolution) {
        let mut ledger = self.ledger(Box::new(self.journal.clone()), Arc::new(Deaf)).expect("nobody else writes");
        let step = ledger.state().stuck().expect("something is stuck").0.clone();
        let settled = Event::settled(step, resolution, "me", "looked");
        ledger.append(settled).expect("it is stuck");
        ledger.close().expect("it is ours");
    }

    /// One process, from its start to its end or its death.
    pub async fn run(&self, command: Command, cut: Option<(usize, Cut)>) -> Result<(), Stop> {
        let mut engine = self.process(cut)?;
        tokio::select! {
            biased;
            () = self.world.crashed() => Err(Stop::Journal(dead())),
            ended = carry_out(&mut engine, command) => ended,
        }?;
        engine.close()
    }

    /// The journal's lines.
    pub fn lines(&self) -> usize {
        self.journal.bytes().split_inclusive(|byte| *byte == b'\n').count()
    }

    /// What the journal says.
    pub fn state(&self) -> RunState {
        replay(&self.journal.bytes()).expect("the journal is whole after any crash").state
    }

    /// What carries our tag.
    pub async fn standing(&self) -> Vec<String> {
        let name = self.plan.rollout().name.as_str();
        let found = self.world.tagged(tags::ROLLOUT, name).await.expect("the world is calm");
        found.into_iter().map(|resource| format!("{} {}", resource.kind, resource.name)).collect()
    }

    /// Where everything is in the end.
    pub async fn end(&self) -> End {
        let state = self.state();
        let mut steps: Vec<_> = state.started().map(|(id, record)| (id.clone(), record.status)).collect();
        steps.sort_by(|left, right| left.0.cmp(&right.0));
        End {
            direction: state.direction(),
            passed: Phase::ALL.into_iter().filter(|phase| state.has_passed(*phase)).collect(),
            steps,
            // A store's run id is another one each time it starts, and it starts when it is made; a rehearsal takes as
            // long as it takes.
            facts: of_every_run(&state.facts()),
            standing: self.standing().await,
        }
    }

    /// Asserts that nothing was made twice, and nothing without a reason.
    pub fn made_once(&self, place: &str) {
        for call in ["cloud.create_subnet_group", "cloud.create_security_group", "cloud.create_replication_group"] {
            assert_eq!(self.world.effects(call), 1, "{place}: {call}");
        }
    }

    /// Asserts that a rollback left nothing, and that the journal says so.
    pub async fn is_empty(&self, place: &str) {
        assert_eq!(self.standing().await, Vec::<String>::new(), "{place}");
        let state = self.state();
        assert_eq!(state.direction(), Direction::Idle, "{place}");
        assert!(state.furthest_phase() <= Some(Phase::Preflight), "{place}: {:?}", state.furthest_phase());
    }
}

fn of_every_run(facts: &Facts) -> Vec<(FactName, FactValue)> {
    let passing = |name: &FactName| name.as_str() == "cache.run_id" || name.as_str().starts_with("rehearsal.");
    let lasting = facts.iter().filter(|(name, _)| !passing(name));
    lasting.map(|(name, value)| (name.clone(), value.clone())).collect()
}

async fn carry_out(engine: &mut Engine, command: Command) -> Result<(), Stop> {
    match command {
        Command::Phase => engine.phase(Phase::Infrastructure).await,
        Command::Copy => engine.phase(Phase::StagingCopy).await,
        Command::RemoveCopy => engine.rollback(Phase::Infrastructure, None).await,
        Command::Rollback => engine.rollback(Phase::Preflight, None).await,
        Command::CopyOnce => engine.phase_once(Phase::StagingCopy).await,
        Command::Production => engine.phase(Phase::Production).await,
        Command::LeaveProduction => engine.rollback(Phase::WorkerTuning, None).await,
    }
}

/// Whether a process ended because it was killed.
pub fn was_killed(ended: &Result<(), Stop>) -> bool {
    *ended == Err(Stop::Journal(dead()))
}
