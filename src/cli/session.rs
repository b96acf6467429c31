//! What every command starts from: where the files are, what they say, what the journal says.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::answer::Trouble;
use super::options::GlobalArgs;
use super::printer::Printer;
use crate::adapters::SystemClock;
use crate::configuration::{self, LoadOptions, Loaded};
use crate::core::{Event, Exit, Holder, Plan, PlanDigest, RunId, RunState};
use crate::journal::{Ledger, Replayed, StateDirectory};
use crate::ports::{Clock, EventSink};
use crate::report::utc;
use crate::steps::BuiltInKinds;

/// The environment variable with the time at which a recorded run is judged.
const AS_OF: &str = "MIGRATE_AS_OF";

/// One invocation.
#[derive(Debug)]
pub struct Session {
    global: GlobalArgs,
    /// Prints.
    pub printer: Printer,
}

impl Session {
    /// An invocation with these options.
    pub fn new(global: GlobalArgs, printer: Printer) -> Self {
        Self { global, printer }
    }

    /// The rollout's path.
    pub fn rollout_path(&self) -> &Path {
        &self.global.rollout
    }

    /// Where rollout.yaml lies; relative paths in it start there.
    pub fn base_directory(&self) -> PathBuf {
        let parent = self.global.rollout.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
    }

    /// The state directory: `.migrate` beside the rollout, unless said otherwise.
    pub fn directory(&self) -> StateDirectory {
        let default = || self.base_directory().join(".migrate");
        StateDirectory::new(self.global.state.clone().unwrap_or_else(default))
    }

    /// Reads and checks the files.
    ///
    /// # Errors
    /// Every mistake in them.
    pub fn load(&self) -> Result<Loaded, Trouble> {
        let options = LoadOptions { rollout: self.global.rollout.clone(), phases: self.global.phases.clone() };
        Ok(configuration::load(&options, &BuiltInKinds)?)
    }

    /// Replays the journal without taking the lock.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn replay(&self) -> Result<Replayed, Trouble> {
        Ok(self.directory().replay()?)
    }

    /// Takes the lock and opens the journal; opens a run when there is none.
    ///
    /// # Errors
    /// When somebody else holds the lock, or the journal cannot be written.
    pub fn open(&self, reason: &str, plan: &Plan, sink: Arc<dyn EventSink>) -> Result<Ledger, Trouble> {
        let directory = self.directory();
        let clock = SystemClock::new();
        let store = directory.open_journal(holder(), reason, clock.now())?;
        let mut ledger = Ledger::open(Box::new(store), Arc::new(clock), sink, holder(), reason)?;
        for warning in ledger.warnings() {
            self.printer.remark(&format!("journal: {warning}"));
        }
        // The plan is kept before the journal refers to it.
        directory.keep_plan(plan)?;
        if ledger.state().run().is_none() {
            ledger.append(Event::RunOpened {
                run: RunId::new(new_run_id(ledger.now())),
                rollout: plan.rollout().name.to_string(),
                plan: plan.digest().clone(),
            })?;
        }
        Ok(ledger)
    }

    /// Refuses while somebody else holds the lock.
    ///
    /// # Errors
    /// `Locked`, with who and for what.
    pub fn refuse_locked(&self) -> Result<(), Trouble> {
        Ok(self.directory().refuse_locked()?)
    }

    /// The plan the run is pinned to, as it was kept.
    pub fn pinned_plan(&self, state: &RunState) -> Option<Plan> {
        state.plan().and_then(|digest: &PlanDigest| self.directory().kept_plan(digest))
    }

    /// Refuses when the files changed under a run that has done something.
    ///
    /// # Errors
    /// Plan drift, with what changed.
    pub fn refuse_drift(&self, plan: &Plan, state: &RunState) -> Result<(), Trouble> {
        match state.plan() {
            Some(pinned) if pinned != plan.digest() => {
                let changes = super::drift::between(self.pinned_plan(state).as_ref(), plan);
                Err(Trouble::new(
                    Exit::PlanDrift,
                    format!("the files changed since the run began (plan {pinned} is now {}){changes}", plan.digest()),
                    "accept the change with `migrate replan --reason WHY`, or restore the files",
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The time at which `check` and `plan` judge evidence and approvals: now, or the RFC 3339 time in `MIGRATE_AS_OF`,
/// which is printed. Only these two read it. What is journalled or changed has the time of the clock.
///
/// # Errors
/// `Usage` when the variable does not hold a time.
pub fn judged_at() -> Result<jiff::Timestamp, Trouble> {
    let Some(text) = std::env::var_os(AS_OF) else { return Ok(SystemClock::new().now()) };
    let text = text.to_string_lossy();
    let example = || format!("unset {AS_OF}, or set it to a time such as 2026-01-31T09:30:00Z");
    let time = text.parse().map_err(|error| {
        Trouble::new(Exit::Usage, format!("{AS_OF} is `{text}`, which is not a time: {error}"), example())
    })?;
    Printer::note(&format!("judged as of {}, as {AS_OF} says, not as of now", utc(time)));
    Ok(time)
}

/// Who we are, for the lock.
pub fn holder() -> Holder {
    let user = operator();
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    Holder::new(format!("{user}@{host} pid {}", std::process::id()))
}

/// Who is typing, for approvals and the like.
pub fn operator() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".to_owned())
}

/// A run's name: when it began, and six letters so that two of the same second differ.
fn new_run_id(now: jiff::Timestamp) -> String {
    let letters: String = std::iter::repeat_with(fastrand::lowercase).take(6).collect();
    format!("{}-{letters}", now.strftime("%Y%m%dT%H%M%SZ"))
}
