//! A journal and its crashes in memory, for tests and `migrate rehearse`.

use std::sync::{Arc, Mutex, PoisonError};

use crate::ports::{JournalFault, JournalStore};

/// Lines in memory. Clones share them, so a test can keep one while a ledger owns the other.
#[derive(Debug, Clone, Default)]
pub struct MemoryJournal {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl MemoryJournal {
    /// A journal that holds these bytes already.
    pub fn holding(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Mutex::new(bytes)) }
    }

    /// A copy of what was written.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl JournalStore for MemoryJournal {
    fn load(&mut self) -> Result<Vec<u8>, JournalFault> {
        Ok(self.bytes())
    }

    fn truncate(&mut self, length: u64) -> Result<(), JournalFault> {
        let length = usize::try_from(length).map_err(|error| JournalFault::Io(error.to_string()))?;
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).truncate(length);
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> Result<(), JournalFault> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(())
    }

    fn confirm(&self) -> Result<(), JournalFault> {
        Ok(())
    }
}
