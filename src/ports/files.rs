//! Directories and files of ours on a host: the test copy, and what is installed in it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::WriteFailure;
use crate::core::rollout::{AbsolutePath, Name, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, Secret, UndoPermit};

/// A directory that belongs to a rollout: its mark, the file `.migrate/owner`, holds the rollout's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OwnedDirectory {
    /// Where.
    pub directory: AbsolutePath,
    /// Whose.
    pub rollout: Name,
}

/// What stands where an owned directory should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryState {
    /// Nothing.
    Missing,
    /// Ours, and the copying has not come to its end: the same call goes on with it. An empty directory is this, too: a
    /// crash may leave one.
    Unfinished,
    /// Ours, and whole.
    Complete,
    /// Somebody else's, and why we think so.
    Foreign(String),
}

/// A tree to copy. What is volatile is left out; directories that are volatile by name are made, and stay empty, because
/// applications expect them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeCopy {
    /// The live tree. It is only read.
    pub from: AbsolutePath,
    /// Where the copy goes.
    pub to: OwnedDirectory,
    /// What is left out.
    pub volatile: Vec<VolatilePattern>,
    /// Bytes that must be free before the first one is written.
    pub needed_bytes: u64,
}

/// What a file of ours holds.
#[derive(Debug, Clone)]
pub enum FileContent {
    /// Anyone on the host may read it.
    Public(Vec<u8>),
    /// Only its owner may: mode 0600. Never in an error, a log or the journal.
    Private(Secret),
    /// So many random bytes, drawn on the host, in hexadecimal; mode 0600. Kept when the file is there already.
    RandomToken {
        /// How many.
        bytes: u8,
    },
}

/// A file to install.
#[derive(Debug, Clone)]
pub struct InstalledFile {
    /// Its path below the owned directory.
    pub path: String,
    /// What it holds.
    pub content: FileContent,
}

/// Files that come and go together.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Where, and whose.
    pub place: OwnedDirectory,
    /// Which. Each is written whole or not at all, in this order.
    pub files: Vec<InstalledFile>,
}

/// A file as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// SHA-256 of its content.
    pub digest: Digest,
    /// Its permissions, as `0o600`.
    pub mode: u32,
}

/// What a smoke import is to find out: whether the application can be loaded by the interpreter that runs it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeImport {
    /// The unit whose main process's interpreter and environment are used.
    pub unit: String,
    /// The directory it is imported in.
    pub directory: AbsolutePath,
}

/// Looking at files. Nothing changes; every method may be repeated.
#[async_trait]
pub trait FilesRead: Send + Sync {
    /// What stands there.
    async fn owned_directory(&self, place: &OwnedDirectory) -> Result<DirectoryState, Failure>;

    /// Files below a directory, one answer a path in its order; `None` where there is nothing. A link, or anything else
    /// that is no file, has a digest that no file has.
    async fn files(&self, directory: &AbsolutePath, paths: &[String]) -> Result<Vec<Option<FileFacts>>, Failure>;

    /// A private file's content, less the white space around it. One that others may read is refused.
    async fn private_file(&self, directory: &AbsolutePath, path: &str) -> Result<Secret, Failure>;

    /// What differs between two trees beyond `left_out`, as paths with a word each (`app.py: its content`), at most ten.
    async fn differences(
        &self,
        one: &AbsolutePath,
        other: &AbsolutePath,
        left_out: &[VolatilePattern],
    ) -> Result<Vec<String>, Failure>;

    /// Imports the application as the running process names it (`run:app`: the module `run`), with that process's
    /// interpreter and environment, in another directory. `None` when it can be, and is that directory's own; otherwise
    /// the last line of the traceback, or why not.
    async fn smoke_import(&self, import: &SmokeImport) -> Result<Option<String>, Failure>;
}

/// Changing files.
#[async_trait]
pub trait FilesWrite: Send + Sync {
    /// Copies a tree; goes on where an interrupted copy stopped. Without room it writes nothing and fails cleanly.
    async fn copy_tree(&self, permit: &ApplyPermit, copy: &TreeCopy) -> Result<(), WriteFailure>;

    /// Deletes exactly an owned directory; one that is missing is success, one that is somebody else's is refused.
    async fn remove_directory(&self, permit: &UndoPermit, place: &OwnedDirectory) -> Result<(), WriteFailure>;

    /// Installs files in a directory that is ours.
    async fn install(&self, permit: &ApplyPermit, installation: &Installation) -> Result<(), WriteFailure>;

    /// Removes files from a directory that is ours, their byte code, and directories below it that are empty then. What
    /// is not there is success, the directory itself included; a directory that is somebody else's is refused.
    async fn uninstall(
        &self,
        permit: &UndoPermit,
        place: &OwnedDirectory,
        paths: &[String],
    ) -> Result<(), WriteFailure>;
}
