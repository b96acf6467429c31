//! A Gunicorn of ours beside the original: started from the original's own command line and environment, known by its
//! pid file.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::WriteFailure;
use crate::core::rollout::{AbsolutePath, Port};
use crate::core::{ApplyPermit, Failure, UndoPermit};

/// A Gunicorn to start: the original's command line and environment, with these differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachedGunicorn {
    /// The unit whose running main process it is derived from.
    pub unit: String,
    /// The live tree; arguments that point into it point into `directory` instead.
    pub original: AbsolutePath,
    /// The directory it runs in.
    pub directory: AbsolutePath,
    /// What replaces the application's name (`run:app`), the last argument of the original; `None` keeps it. The original's
    /// own name is handed over in `MIGRATE_WSGI_APP`.
    pub application: Option<String>,
    /// The port, on the loopback address.
    pub port: Port,
    /// How many workers.
    pub workers: u32,
    /// Its pid file, as an absolute path below `directory`.
    pub pid_file: AbsolutePath,
    /// Its access log.
    pub access_log: AbsolutePath,
    /// Its error log.
    pub error_log: AbsolutePath,
    /// A file of `NAME=VALUE` lines that are set on top of the original's environment.
    pub environment_file: AbsolutePath,
}

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// Its id.
    pub pid: u32,
    /// When it started, in clock ticks since boot: field 22 of proc_pid_stat(5).
    pub started_ticks: u64,
}

/// A detached Gunicorn as /proc shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachedFacts {
    /// The master.
    pub master: ProcessFacts,
    /// Its interpreter, from /proc/PID/exe.
    pub executable: String,
    /// Its command line.
    pub command_line: Vec<String>,
    /// Its working directory.
    pub directory: String,
    /// Its workers.
    pub workers: Vec<ProcessFacts>,
    /// Ports that it listens on, with their addresses, as `127.0.0.1:8081`.
    pub listening: Vec<String>,
    /// Those variables of its environment that were asked for. Never all: there are secrets in it.
    pub environment: BTreeMap<String, String>,
    /// Regular files that it or a worker has open for writing.
    pub written_files: Vec<String>,
}

/// Looking at a detached process.
#[async_trait]
pub trait DetachedRead: Send + Sync {
    /// The process that runs in that directory and was told that pid file, which names it as a rule; `None` when there is
    /// none. A pid file that names anything else is not believed.
    async fn detached(
        &self,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
        variables: &[String],
    ) -> Result<Option<DetachedFacts>, Failure>;
}

/// Starting and stopping a detached process.
#[async_trait]
pub trait DetachedWrite: Send + Sync {
    /// Starts it, and waits until a worker of it takes a connection (60 s at most; then what it logged is in the failure,
    /// and nothing of it runs any more). One that runs already is success.
    async fn start_detached(&self, permit: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure>;

    /// Has it run exactly so: with this number of workers, these arguments and these variables. One that runs with others is
    /// stopped, as [`Self::stop_detached`] does, and started anew; one that does not run is started; one that runs so
    /// already is success. What it would be started with is looked at before anything is stopped.
    ///
    /// # Errors
    /// Clean when nothing was stopped. Otherwise the failure holds what was logged, and the same call may be made again.
    async fn restart_detached(&self, permit: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure>;

    /// The same, to put something back.
    ///
    /// # Errors
    /// As [`Self::restart_detached`].
    async fn revert_detached(&self, permit: &UndoPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure>;

    /// Stops it as [`Self::stop_detached`] does, because it has done what it was started for.
    async fn end_detached(
        &self,
        permit: &ApplyPermit,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure>;

    /// Stops it, as [`DetachedRead::detached`] finds it, with all it started: gracefully, after 10 s by force; removes the
    /// pid file. One that does not run is success.
    async fn stop_detached(
        &self,
        permit: &UndoPermit,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure>;
}
