//! What lasts while processes of the shipped engine come and go: the journal, the world, and the recording.

use std::sync::{Arc, Mutex, MutexGuard};

use migrate::core::rollout::Rollout;
use migrate::core::{Plan, StepId};
use migrate::journal::{MemoryJournal, Record};
use migrate::ports::{JournalFault, JournalStore};
use tokio::sync::Notify;

use crate::position::{At, Turn, turns};
use crate::support::rollout;
use crate::trace::{TraceEntry, Visible, bare};
use crate::world::{Place, World};

/// When a process dies, relative to the nth visible thing that it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before it happens.
    Before,
    /// Right after it.
    After,
}

/// How often, of ten times, a call succeeds without any draw.
const GOES_WELL: u8 = 7;

/// What every part of a site shares.
struct Shared {
    world: World,
    trace: Vec<TraceEntry>,
    chance: fastrand::Rng,
    /// How many more visible things this process does, and when it dies at the last of them.
    left: Option<(usize, Cut)>,
    is_dead: bool,
}

/// A site on which processes of the shipped engine run. Clones share it.
#[derive(Clone)]
pub struct Site {
    /// What is walked.
    pub plan: Plan,
    shared: Arc<Mutex<Shared>>,
    death: Arc<Notify>,
    journal: MemoryJournal,
}

/// The model counts one second for a window, and has neither coverage nor minimum numbers of requests.
fn seconds_only() -> Rollout {
    let mut rollout = rollout();
    let second: migrate::core::rollout::HumanDuration = std::time::Duration::from_secs(1).into();
    (rollout.soak.window, rollout.soak.hold_at_most) = (second, second);
    (rollout.soak.requests_per_window, rollout.soak.minimum_requests, rollout.soak.coverage) = (1, 1, 1);
    rollout
}

impl Site {
    /// A site on which nothing has happened. All randomness follows from `seed`.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let steps = plan.steps().to_vec();
        let plan =
            Plan::new(seconds_only(), std::collections::BTreeMap::new(), steps, std::collections::BTreeMap::new())
                .expect("a plan can be written as JSON");
        let shared = Shared {
            world: World::empty(plan.steps(), false),
            trace: Vec::new(),
            chance: fastrand::Rng::with_seed(seed),
            left: None,
            is_dead: false,
        };
        Self { plan, shared: Arc::new(Mutex::new(shared)), death: Arc::default(), journal: MemoryJournal::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panic while it is held")
    }

    /// The recording so far.
    pub fn trace(&self) -> Vec<TraceEntry> {
        self.shared().trace.clone()
    }

    /// Records that a process starts, ends or dies.
    pub fn note(&self, moment: TraceEntry) {
        self.shared().trace.push(moment);
    }

    /// A number below `below`.
    pub fn any(&self, below: usize) -> usize {
        self.shared().chance.usize(0..below)
    }

    /// A random result of the model's micro-step, mostly success.
    pub fn turn(&self, at: At) -> Turn {
        let turns = turns(at);
        let well = self.any(10) < usize::from(GOES_WELL);
        turns[if well { 0 } else { self.any(turns.len()) }]
    }

    /// Reads the world.
    pub fn look<T>(&self, question: impl FnOnce(&World) -> T) -> T {
        question(&self.shared().world)
    }

    /// A person removes the thing of a step by hand.
    pub fn discard(&self, step: usize) {
        let world = &mut self.shared().world;
        world.remove(step);
        world.places[step] = Place::default();
    }

    /// A process does something visible, which may change the world. A dead process never returns from this.
    pub async fn does(&self, effect: impl FnOnce(&mut World) -> Visible) {
        if self.happens(effect) {
            return;
        }
        // The process is dropped while it waits here.
        std::future::pending::<()>().await;
    }

    /// Whether the process is alive afterwards.
    fn happens(&self, effect: impl FnOnce(&mut World) -> Visible) -> bool {
        let mut shared = self.shared();
        if shared.is_dead {
            return false;
        }
        let cut = match &mut shared.left {
            Some((1, cut)) => Some(*cut),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if cut != Some(Cut::Before) {
            let seen = effect(&mut shared.world);
            shared.trace.push(TraceEntry::Did(seen));
        }
        if cut.is_some() {
            shared.is_dead = true;
            self.death.notify_one();
        }
        cut.is_none()
    }

    /// Sets the death of the next process: at its nth visible thing, or never.
    pub fn fate(&self, left: Option<(usize, Cut)>) {
        let mut shared = self.shared();
        (shared.left, shared.is_dead) = (left, false);
    }

    /// Whether this process is dead.
    pub fn is_dead(&self) -> bool {
        self.shared().is_dead
    }

    /// Waits until it is dead; ignores the notification of an earlier process.
    pub async fn death(&self) {
        while !self.is_dead() {
            self.death.notified().await;
        }
    }

    /// The journal, as a process opens it.
    pub fn store(&self) -> Box<dyn JournalStore> {
        Box::new(self.clone())
    }

    /// The journal's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.journal.bytes()
    }

    /// A step's place in the plan.
    pub fn index(&self, step: &StepId) -> usize {
        self.plan.steps().iter().position(|planned| &planned.id == step).expect("a step of the plan")
    }
}

fn dead() -> JournalFault {
    JournalFault::Io("the process is dead".into())
}

impl JournalStore for Site {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        Ok(self.journal.bytes())
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        self.journal.truncate(length)
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        #[derive(serde::Deserialize)]
        struct Line {
            record: Record,
        }
        let Line { record } = serde_json::from_slice(line).expect("a line of the journal");
        let mut journal = self.journal.clone();
        let alive = self.happens(|_| {
            journal.append(line).expect("memory takes it");
            Visible::Written(bare(&record.entry.event))
        });
        if alive { Ok(()) } else { Err(dead()) }
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        if self.is_dead() { Err(dead()) } else { Ok(()) }
    }
}
