//! Releases beside a live tree on a target, and what happens when a running Gunicorn goes from one tree to another.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{DirectoryState, InstalledFile, OwnedDirectory, ProcessFacts, WriteFailure};
use crate::core::rollout::{AbsolutePath, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, UndoPermit};

/// The name of a release: the beginning of the digest over everything that is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseName(String);

impl ReleaseName {
    /// The name that belongs to a digest.
    pub fn of(content: &Digest) -> Self {
        Self(content.short().to_owned())
    }

    /// From a fact of an earlier step.
    ///
    /// # Errors
    /// When it is no name of a release: it becomes part of a path.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let shown = text.escape_debug();
            return Err(Failure::permanent(format!("`{shown}` is not the name of a release")));
        }
        Ok(Self(text.to_owned()))
    }

    /// As text: the last component of the release's path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ReleaseName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        Self::parse(text)
    }
}

crate::fact_as_text!(ReleaseName);

impl std::fmt::Display for ReleaseName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

/// Where an application lives on a target, and where its releases lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseSite {
    /// The live path: the plain directory it always was, or, while a release is in use, a link to that release.
    pub live: AbsolutePath,
    /// The directory of releases, and whose it is. Below it: one directory for each release, `original` (the plain
    /// directory, while a release is in use) and `shared` (the volatile directories, the same for all of them).
    pub releases: OwnedDirectory,
    /// The unit that runs it.
    pub unit: String,
    /// What the application writes while it runs.
    pub volatile: Vec<VolatilePattern>,
}

/// What the live path names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveTree {
    /// The plain directory it was before us.
    Original,
    /// A release of ours.
    Release(ReleaseName),
    /// Something else, and what.
    Foreign(String),
}

/// How far the room for releases has been made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRoom {
    /// The directory of releases.
    pub directory: DirectoryState,
    /// Volatile directories of the live tree that are still at their own place, by name.
    pub in_place: Vec<String>,
    /// Volatile directories that lie in `shared`, a link in their stead.
    pub shared: Vec<String>,
    /// Whether the service manager lets workers and successors of the main process speak for the service
    /// (`NotifyAccess=all` of systemd.exec(5)), by a drop-in of ours.
    pub may_hand_over: bool,
}

/// A service's main process, and the tree it runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningTree {
    /// What the service manager holds for the main process.
    pub master: ProcessFacts,
    /// Its workers.
    pub workers: Vec<ProcessFacts>,
    /// The tree it runs in.
    pub tree: LiveTree,
    /// Masters of the same service beside it: one that is still finishing, or one that was never handed the service.
    pub beside: Vec<ProcessFacts>,
}

/// Everything there is to know about a target's releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseFacts {
    /// The room for them.
    pub room: ReleaseRoom,
    /// What the live path names.
    pub live: LiveTree,
    /// Whether the original is there: at the live path, or waiting in the directory of releases.
    pub has_original: bool,
    /// Releases that are whole.
    pub releases: Vec<ReleaseName>,
    /// Releases that were begun and not finished.
    pub unfinished: Vec<ReleaseName>,
    /// The service's main process; `None` when it does not run.
    pub running: Option<RunningTree>,
}

/// A release to build: the target's own tree, less what is volatile, and files of ours.
#[derive(Debug, Clone)]
pub struct ReleaseBuild {
    /// What it is called.
    pub name: ReleaseName,
    /// Files of ours. One that has the name of Gunicorn's configuration replaces the application's, which is kept in the
    /// release as `.migrate/gunicorn.original.py` and read first.
    pub files: Vec<InstalledFile>,
    /// Bytes that must be free before the first one is written.
    pub needed_bytes: u64,
}

/// Looking at releases. Nothing changes; may be repeated.
#[async_trait]
pub trait ReleaseRead: Send + Sync {
    /// Everything there is to know.
    async fn releases(&self, site: &ReleaseSite) -> Result<ReleaseFacts, Failure>;
}

/// Making releases, and switching to them. Every call goes on from whatever an earlier attempt left.
#[async_trait]
pub trait ReleaseWrite: Send + Sync {
    /// Makes room: the directory of releases with its mark, the volatile directories in `shared` (each changes places with
    /// a link to it in one step, so that running workers find their sessions all the while), and the unit's drop-in.
    async fn make_room(&self, permit: &ApplyPermit, site: &ReleaseSite) -> Result<(), WriteFailure>;

    /// Takes the room away again: volatile directories go back to their places in the same way, then the drop-in and the
    /// directory go. Refuses while a release is live or runs, and when the original is not at the live path.
    async fn clear_room(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure>;

    /// Builds a release. One that is whole and holds the same is success.
    async fn build_release(
        &self,
        permit: &ApplyPermit,
        site: &ReleaseSite,
        build: &ReleaseBuild,
    ) -> Result<(), WriteFailure>;

    /// Deletes every release of ours, whole or not. Refuses while one of them is live or runs.
    async fn remove_releases(&self, permit: &UndoPermit, site: &ReleaseSite) -> Result<(), WriteFailure>;

    /// The live path names the release, a new master runs in it beside the old one, and when all its workers serve
    /// (within `patience`), the old one finishes.
    ///
    /// # Errors
    /// Clean when the release did not come up: then the tree of before serves, as if nothing had been tried.
    async fn switch_to_release(
        &self,
        permit: &ApplyPermit,
        site: &ReleaseSite,
        release: &ReleaseName,
        patience: Duration,
    ) -> Result<(), WriteFailure>;

    /// The same, back to the original. Success when it serves already.
    async fn switch_to_original(
        &self,
        permit: &UndoPermit,
        site: &ReleaseSite,
        patience: Duration,
    ) -> Result<(), WriteFailure>;
}
