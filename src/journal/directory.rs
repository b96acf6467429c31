//! The directory beside rollout.yaml where a run keeps what it knows.

use std::path::{Path, PathBuf};

use super::{FileEvidence, FileJournal, Lock, Replayed, lock, reading};
use crate::core::{Holder, Plan, PlanDigest};
use crate::ports::JournalFault;

/// `.migrate/`: the journal, the lock, the evidence, and the plans that runs were pinned to.
#[derive(Debug, Clone)]
pub struct StateDirectory {
    root: PathBuf,
}

impl StateDirectory {
    /// The directory at `root`; nothing is made until something is written.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal's file.
    pub fn journal_path(&self) -> PathBuf {
        self.root.join("journal.jsonl")
    }

    /// The lock's file.
    pub fn lock_path(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The stored measurements.
    pub fn evidence(&self) -> FileEvidence {
        FileEvidence::new(self.root.join("evidence"))
    }

    /// The journal's bytes; none when there is no journal yet.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_journal(&self) -> Result<Vec<u8>, JournalFault> {
        regular(&self.journal_path())?;
        match std::fs::read(self.journal_path()) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(JournalFault::Io(format!("{}: {error}", self.journal_path().display()))),
        }
    }

    /// Replays the journal without taking the lock.
    ///
    /// # Errors
    /// When it cannot be read or is damaged.
    pub fn replay(&self) -> Result<Replayed, JournalFault> {
        reading::replay(&self.read_journal()?)
    }

    /// Takes the lock and opens the journal for writing.
    ///
    /// # Errors
    /// When somebody else holds the lock, or the directory cannot be written.
    pub fn open_journal(
        &self,
        holder: Holder,
        reason: &str,
        now: jiff::Timestamp,
    ) -> Result<FileJournal, JournalFault> {
        std::fs::create_dir_all(&self.root)
            .map_err(|error| JournalFault::Io(format!("{}: {error}", self.root.display())))?;
        let lock = Lock::take(&self.lock_path(), holder, reason, now)?;
        FileJournal::open(&self.journal_path(), lock)
    }

    /// Refuses while somebody holds the lock.
    ///
    /// # Errors
    /// `Locked`, with who and for what.
    pub fn refuse_locked(&self) -> Result<(), JournalFault> {
        lock::refuse_locked(&self.lock_path())
    }

    /// Renames a journal that is damaged or misleads, under the lock; its new name, when there was one.
    ///
    /// # Errors
    /// When somebody else holds the lock, or the directory cannot be written.
    pub fn set_aside(&self, holder: Holder, now: jiff::Timestamp) -> Result<Option<PathBuf>, JournalFault> {
        let path = self.journal_path();
        if !path.exists() {
            return Ok(None);
        }
        let _lock = Lock::take(&self.lock_path(), holder, "setting the journal aside", now)?;
        let aside = path.with_extension(format!("{}.jsonl", now.strftime("%Y%m%dT%H%M%SZ")));
        std::fs::rename(&path, &aside).map_err(|error| JournalFault::Io(format!("{}: {error}", path.display())))?;
        Ok(Some(aside))
    }

    fn plan_path(&self, digest: &PlanDigest) -> PathBuf {
        self.root.join("plans").join(format!("{}.json", digest.0))
    }

    /// Keeps a plan, so that what it did can be undone after its files have changed. One that is kept already is not written
    /// again: a rollback must not need space on the disk for it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_plan(&self, plan: &Plan) -> Result<(), JournalFault> {
        if self.kept_plan(plan.digest()).is_some() {
            return Ok(());
        }
        let path = self.plan_path(plan.digest());
        let write = || -> std::io::Result<()> {
            let text = plan.to_json().map_err(std::io::Error::other)?;
            std::fs::create_dir_all(self.root.join("plans"))?;
            let partial = path.with_extension("partial");
            std::fs::write(&partial, text)?;
            std::fs::File::open(&partial)?.sync_all()?;
            std::fs::rename(&partial, &path)?;
            // The journal refers to it next: its name must be as durable as its content.
            std::fs::File::open(self.root.join("plans"))?.sync_all()
        };
        write().map_err(|error| JournalFault::Io(format!("{}: {error}", path.display())))
    }

    /// The plan a run was pinned to, when it was kept and is unchanged.
    pub fn kept_plan(&self, digest: &PlanDigest) -> Option<Plan> {
        let text = std::fs::read_to_string(self.plan_path(digest)).ok()?;
        Plan::from_json(&text).ok().filter(|plan| plan.digest() == digest)
    }
}

/// Refuses what is there and is not a file: a FIFO would be waited for without end.
///
/// # Errors
/// When it is something else than a file.
pub(super) fn regular(path: &Path) -> Result<(), JournalFault> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            Err(JournalFault::Io(format!("{}: is a directory or a special file, not a journal", path.display())))
        }
        _ => Ok(()),
    }
}
