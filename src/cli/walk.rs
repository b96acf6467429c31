//! What `migrate phase` and `migrate rollback` share: the journal is opened, an engine walks, and the journal is closed.

use std::path::PathBuf;

use super::answer::Trouble;
use super::session::Session;
use super::{signals, wiring};
use crate::configuration::InstalledFiles;
use crate::core::{Plan, RunState};
use crate::engine::{Engine, Stop};
use crate::journal::Ledger;

/// What an engine needs besides the journal and the world.
pub struct EngineInputs {
    /// The plan.
    pub plan: Plan,
    /// Relative paths in rollout.yaml start here.
    pub base_directory: PathBuf,
    /// What phases put on targets.
    pub installed: InstalledFiles,
}

/// A walk that is over.
pub struct Walked {
    /// Where the run stands.
    pub state: RunState,
    /// How it ended.
    pub ended: Result<(), Stop>,
}

/// Takes the lock, opens the journal, lets `prepare` write what comes first, and lets `work` use the engine. Whatever stops
/// the engine, the journal is closed and the lock released.
///
/// # Errors
/// When the lock is held, the journal cannot be written, or `prepare` fails. What stopped the engine is in [`Walked`].
pub async fn walk(
    session: &Session,
    reason: &str,
    inputs: EngineInputs,
    prepare: impl FnOnce(&mut Ledger) -> Result<(), Trouble>,
    work: impl AsyncFnOnce(&mut Engine) -> Result<(), Stop>,
) -> Result<Walked, Trouble> {
    let EngineInputs { plan, base_directory, installed } = inputs;
    let cancel = signals::install()?;
    let audience = session.printer.audience();
    let mut ledger = session.open(reason, &plan, audience.clone())?;
    prepare(&mut ledger)?;
    let world = wiring::world(&plan, &base_directory, &installed).await;
    let evidence = session.directory().evidence();
    let mut engine = wiring::engine(plan, ledger, evidence, world, base_directory, audience, cancel);
    let ended = work(&mut engine).await;
    let state = engine.ledger().state().clone();
    engine.close()?;
    Ok(Walked { state, ended })
}
