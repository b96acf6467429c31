//! A host the application runs on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{
    BridgeRead, CensusRead, DetachedRead, DetachedWrite, Endpoint, FilesRead, FilesWrite, MonitorRead, PathRead,
    PathWrite, ReleaseRead, ReleaseWrite, WriteFailure,
};
use crate::core::{
    ApplyPermit, Digest, Failure, ProductionAuthority, TargetName, UndoPermit,
    rollout::{AbsolutePath, ProductionTarget, Rollout, SshHost, VolatilePattern},
};

/// A service, as its manager and /proc show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Whether it is active.
    pub active: bool,
    /// The main process; `None` when there is none.
    pub main_pid: Option<u32>,
    /// The main process's interpreter or binary, from /proc/PID/exe.
    pub executable: Option<String>,
    /// The main process's command line.
    pub command_line: Vec<String>,
    /// When the main process started, in clock ticks since boot: field 22 of proc_pid_stat(5).
    pub started_ticks: Option<u64>,
    /// SHA-256 over the main process's environment. The environment itself holds secrets and never leaves the host.
    pub environment: Option<Digest>,
    /// SHA-256 over the unit file and its drop-ins.
    pub unit: Option<Digest>,
    /// Direct children of the main process: the workers.
    pub workers: u32,
}

/// A directory tree, less what is volatile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFacts {
    /// SHA-256 over paths, modes, link targets and contents.
    pub digest: Digest,
    /// How many files.
    pub files: u64,
    /// Their size together, volatile files included: what a copy needs at most.
    pub bytes: u64,
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskFacts {
    /// Bytes an ordinary user may still write.
    pub free_bytes: u64,
}

/// A Python module, as the running interpreter sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleFacts {
    /// Its name.
    pub name: String,
    /// Its distribution's version, when it can be imported and has one.
    pub version: Option<String>,
    /// Why it cannot be imported; `None` when it can.
    pub problem: Option<String>,
}

/// What a TCP connection attempt met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reachability {
    /// It was accepted.
    Open,
    /// It was refused at once.
    Refused,
    /// Nobody answered.
    TimedOut,
    /// There is no route, or no such name: nothing was tried against the endpoint itself.
    NoRoute,
}

/// A script in POSIX sh, as written in `phases/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Script(pub String);

/// What a script did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// Its exit code.
    pub code: i32,
    /// Standard output, the last 64 KiB.
    pub stdout: String,
    /// Standard error, the last 64 KiB.
    pub stderr: String,
}

/// Looking at a host. No method changes anything; every one may be retried.
#[async_trait]
pub trait TargetRead:
    BridgeRead + CensusRead + DetachedRead + FilesRead + MonitorRead + PathRead + ReleaseRead + Send + Sync
{
    /// Opens a connection and asks for the account: who we are there.
    async fn hello(&self) -> Result<String, Failure>;
    /// A unit and its main process.
    async fn service(&self, unit: &str) -> Result<ServiceFacts, Failure>;
    /// A tree.
    async fn tree(&self, directory: &AbsolutePath, volatile: &[VolatilePattern]) -> Result<TreeFacts, Failure>;
    /// Every entry of a tree by its path, less what is volatile, with a digest over its type, mode, link target and
    /// content: two trees are the same when their manifests are.
    async fn manifest(
        &self,
        directory: &AbsolutePath,
        volatile: &[VolatilePattern],
    ) -> Result<BTreeMap<String, Digest>, Failure>;
    /// Room on the file system that holds a directory.
    async fn disk(&self, directory: &AbsolutePath) -> Result<DiskFacts, Failure>;
    /// TCP ports somebody listens on.
    async fn listening(&self) -> Result<Vec<u16>, Failure>;
    /// Python modules, imported by this interpreter in this directory.
    async fn modules(
        &self,
        interpreter: &str,
        directory: &AbsolutePath,
        modules: &[String],
    ) -> Result<Vec<ModuleFacts>, Failure>;
    /// One TCP connection attempt from the host.
    async fn reach(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Reachability, Failure>;
    /// Runs a script that the author of a `command` step declared to be a check.
    async fn check(&self, script: &Script) -> Result<CommandOutput, Failure>;
}

/// Changing a host.
#[async_trait]
pub trait TargetWrite: DetachedWrite + FilesWrite + PathWrite + ReleaseWrite + Send + Sync {
    /// Runs a script.
    async fn execute(&self, permit: &ApplyPermit, script: &Script) -> Result<CommandOutput, WriteFailure>;
    /// Runs a script that undoes another.
    async fn revert(&self, permit: &UndoPermit, script: &Script) -> Result<CommandOutput, WriteFailure>;
}

/// A target that may be written on. For production that takes a [`ProductionAuthority`], which only phase 4 has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WritableTarget {
    name: TargetName,
    host: SshHost,
}

impl WritableTarget {
    /// Staging may always be written on.
    pub fn staging(rollout: &Rollout) -> Self {
        Self { name: TargetName::staging(), host: rollout.staging.host.clone() }
    }

    /// Production only in phase 4.
    pub fn production(target: &ProductionTarget, _: &ProductionAuthority) -> Self {
        Self { name: TargetName::new(target.name.as_str()), host: target.host.clone() }
    }

    /// What it is called.
    pub fn name(&self) -> &TargetName {
        &self.name
    }

    /// How it is reached.
    pub fn host(&self) -> &SshHost {
        &self.host
    }
}

/// Handles to look at hosts.
#[async_trait]
pub trait TargetsRead: Send + Sync {
    /// A handle; nothing is connected until it is used.
    fn reader(&self, host: &SshHost) -> Arc<dyn TargetRead>;
    /// One TCP connection attempt from this machine.
    async fn reach_from_here(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Reachability, Failure>;
}

/// Handles to change hosts.
pub trait TargetsWrite: Send + Sync {
    /// A handle; nothing is connected until it is used.
    fn writer(&self, target: &WritableTarget) -> Arc<dyn TargetWrite>;
}
