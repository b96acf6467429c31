//! One process of the shipped engine, from its start to its end or its death.

use std::path::PathBuf;
use std::sync::Arc;

use migrate::adapters::LocalFiles;
use migrate::core::{Event, Holder, Phase, Resolution, RunId, RunState};
use migrate::engine::{Backoff, Cancel, Engine, EngineParts, Stop};
use migrate::journal::{Ledger, MemoryEvidence, replay};
use migrate::ports::Silent;
use migrate::sim::World as Simulated;

use super::{Cut, Site, steps};
use crate::operator::Command;
use crate::support::{Deaf, ports};
use crate::trace::TraceEntry;

impl Site {
    /// What the journal says.
    pub fn state(&self) -> RunState {
        replay(&self.bytes()).expect("the journal is whole after any crash").state
    }

    /// Runs one process with a command. It dies at the nth visible thing that it does, or never.
    pub async fn run(&self, command: Command, cut: Option<(usize, Cut)>) {
        self.note(TraceEntry::Started(command));
        self.fate(cut);
        let ended = tokio::select! {
            biased;
            () = self.death() => None,
            ended = self.live(command) => Some(ended),
        };
        if self.is_dead() {
            return self.note(TraceEntry::Died);
        }
        match ended {
            Some(Err(Stop::Journal(fault))) => panic!("the journal refuses what the engine does: {fault}"),
            Some(_) => self.note(TraceEntry::Ended),
            None => panic!("dead, and not dead"),
        }
    }

    async fn live(&self, command: Command) -> Result<(), Stop> {
        let world = Simulated::from_rollout(self.plan.rollout());
        let (read, write) = ports(&world, LocalFiles::default());
        // The recording takes each line when it is written.
        let mut ledger = Ledger::open(self.store(), Arc::new(world), Arc::new(Deaf), Holder::new("test"), "a test")?;
        if ledger.state().run().is_none() {
            let (run, rollout) = (RunId::new("run-1"), self.plan.rollout().name.to_string());
            ledger.append(Event::RunOpened { run, rollout, plan: self.plan.digest().clone() })?;
        }
        if let Command::Settle(resolution) = command {
            self.settle(&mut ledger, resolution)?;
            return Ok(ledger.close()?);
        }
        let parts = EngineParts {
            plan: self.plan.clone(),
            ledger,
            evidence: Box::new(MemoryEvidence::default()),
            read,
            write,
            base_directory: PathBuf::new(),
            progress: Arc::new(Silent),
            cancel: Cancel::default(),
            backoff: Backoff::default(),
        };
        let site = self.clone();
        let mut engine = Engine::with_steps(parts, Arc::new(move |planned| Ok(steps::build(&site, planned))));
        let ended = match command {
            Command::Phase(phase) => engine.phase(phase).await,
            Command::Rollback => engine.rollback(Phase::Preflight, None).await,
            Command::Settle(_) => Ok(()),
        };
        engine.close()?;
        ended
    }

    /// `migrate stuck`: the operator has looked, and with `forget` has removed the thing.
    fn settle(&self, ledger: &mut Ledger, resolution: Resolution) -> Result<(), Stop> {
        let step = ledger.state().stuck().expect("something is stuck").0.clone();
        let index = self.index(&step);
        if resolution == Resolution::Forgotten {
            self.discard(index);
        }
        Ok(ledger.append(Event::settled(step, resolution, "me", "looked"))?)
    }
}
