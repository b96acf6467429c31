//! The journal as a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Lock;
use super::directory::regular;
use crate::ports::{JournalFault, JournalStore};

/// A journal file, under a lock.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
    lock: Lock,
    /// How long the file is when only we have written: anything else means somebody else did.
    length: u64,
}

impl FileJournal {
    /// Opens, or creates, the journal. The lock comes first: only its holder may write.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path, lock: Lock) -> Result<Self, JournalFault> {
        regular(path)?;
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).open(path).map_err(io(path))?;
        let length = file.metadata().map_err(io(path))?.len();
        if let Some(directory) = path.parent().filter(|_| is_new) {
            // Without this a crash may lose the file's name, and with it every intent in it. (fsync(2))
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(io(path))?;
        }
        Ok(Self { path: path.to_owned(), file, lock, length })
    }

    fn current_length(&self) -> Result<u64, JournalFault> {
        std::fs::metadata(&self.path).map(|metadata| metadata.len()).map_err(io(&self.path))
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> JournalFault + '_ {
    move |error| JournalFault::Io(format!("{}: {error}", path.display()))
}

impl JournalStore for FileJournal {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        std::fs::read(&self.path).map_err(io(&self.path))
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        self.file.set_len(length).and_then(|()| self.file.sync_all()).map_err(io(&self.path))?;
        self.length = length;
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        self.lock.confirm()?;
        if self.current_length()? != self.length {
            return Err(JournalFault::LeaseLost(format!("another process wrote to {}", self.path.display())));
        }
        self.file.write_all(line).and_then(|()| self.file.sync_data()).map_err(io(&self.path))?;
        self.length += line.len() as u64;
        // Whoever took the lock away while we wrote may have read the journal before our line was in it: then nobody
        // knows of this intent, and nobody may act on it. When the lock is ours even now, every reader after us sees it.
        self.confirm()
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        self.lock.confirm()
    }
}
