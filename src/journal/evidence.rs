//! Measurements, stored by the digest of their content.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::core::{Digest, EvidenceDocument};
use crate::ports::{EvidenceStore, JournalFault};

/// The version of stored measurements that this program knows.
const EVIDENCE_VERSION: u32 = 1;

/// What every version has.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}

fn encode(document: &EvidenceDocument) -> Result<(Vec<u8>, Digest), JournalFault> {
    let text = serde_json::to_vec_pretty(document).map_err(|error| JournalFault::Illegal(error.to_string()))?;
    let digest = Digest::of(&text);
    Ok((text, digest))
}

/// Evidence in a directory, one file each, named by its SHA-256.
#[derive(Debug, Clone)]
pub struct FileEvidence {
    directory: PathBuf,
}

impl FileEvidence {
    /// Evidence in this directory, which is made when the first is stored.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Reads a document back, and checks that it is what was stored.
    ///
    /// # Errors
    /// When it is missing, changed, or of a newer format.
    pub fn get(&self, digest: &Digest) -> Result<EvidenceDocument, JournalFault> {
        let path = self.path(digest);
        let text = std::fs::read(&path).map_err(|error| JournalFault::Io(format!("{}: {error}", path.display())))?;
        let damaged = |why: String| JournalFault::Damaged(format!("evidence {}: {why}", path.display()));
        if &Digest::of(&text) != digest {
            return Err(damaged("its content was changed".into()));
        }
        let header: Version = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if header.version > EVIDENCE_VERSION {
            return Err(JournalFault::Newer(header.version));
        }
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join(format!("{digest}.json"))
    }
}

impl EvidenceStore for FileEvidence {
    fn put(&mut self, document: &EvidenceDocument) -> Result<Digest, JournalFault> {
        let (text, digest) = encode(document)?;
        let path = self.path(&digest);
        let partial = path.with_extension("partial");
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.directory)?;
            let mut file = File::create(&partial)?;
            file.write_all(&text)?;
            file.sync_all()?;
            // The journal refers to it next: it must not exist half.
            std::fs::rename(&partial, &path)?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(|error| JournalFault::Io(format!("{}: {error}", path.display())))?;
        Ok(digest)
    }
}

/// Evidence in memory, for tests and `migrate rehearse`.
#[derive(Debug, Clone, Default)]
pub struct MemoryEvidence {
    documents: Arc<Mutex<BTreeMap<Digest, EvidenceDocument>>>,
}

impl MemoryEvidence {
    /// Everything that was stored.
    pub fn documents(&self) -> Vec<EvidenceDocument> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl EvidenceStore for MemoryEvidence {
    fn put(&mut self, document: &EvidenceDocument) -> Result<Digest, JournalFault> {
        let (_, digest) = encode(document)?;
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.clone(), document.clone());
        Ok(digest)
    }
}
