//! Directories that rollouts make on hosts, and the files that are installed in them.

use std::collections::BTreeMap;

use crate::core::{Digest, Secret};
use crate::ports::{FileContent, FileFacts};

/// A directory with a mark. Its tree is among the host's trees.
#[derive(Debug, Clone)]
pub struct SimulatedDirectory {
    /// The rollout it belongs to.
    pub owner: String,
    /// Whether the copying came to its end.
    pub complete: bool,
    /// What was installed, by path below it.
    pub files: BTreeMap<String, SimulatedFile>,
}

/// An installed file.
#[derive(Debug, Clone)]
pub struct SimulatedFile {
    /// Its permissions.
    pub mode: u32,
    /// What it holds.
    pub content: Secret,
}

impl SimulatedFile {
    /// What a look at it shows.
    pub(super) fn facts(&self) -> FileFacts {
        FileFacts { digest: Digest::of(self.content.expose().as_bytes()), mode: self.mode }
    }

    /// As it is installed.
    pub(super) fn of(content: &FileContent) -> Self {
        let (mode, content) = match content {
            FileContent::Public(bytes) => (0o644, Secret::new(String::from_utf8_lossy(bytes).into_owned())),
            FileContent::Private(secret) => (0o600, secret.clone()),
            FileContent::RandomToken { bytes } => (0o600, Secret::new("4f".repeat(usize::from(*bytes)))),
        };
        Self { mode, content }
    }
}
