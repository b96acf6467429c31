//! One connection to a host, opened when it is first needed, shared, and opened again when it has broken.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::open_connections::OpenConnections;
use super::{classify, control};
use crate::core::{Failure, rollout::SshHost};

/// How long an ssh master outlives the last thing done through it when this process is killed.
const IDLE: NonZeroUsize = match NonZeroUsize::new(60) {
    Some(seconds) => seconds,
    None => NonZeroUsize::MIN,
};

/// The interval of ssh's keep-alive messages. A host that stays silent four times as long has gone: ssh asks three times (its
/// `ServerAliveCountMax`, unless `ssh_config` says otherwise) and gives up when it would ask again. What goes through a
/// connection that has died, and is not known to have, is held open on the host for long.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(2);

/// How long the check of a master may take: it is on this machine, and replies at once or not at all.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// How connections are opened, and the directory their control sockets live in.
pub(super) struct Settings {
    pub(super) config_file: Option<PathBuf>,
    pub(super) connect_timeout: Duration,
    directory: Mutex<Option<Arc<tempfile::TempDir>>>,
    open: OpenConnections,
}

impl Settings {
    pub(super) fn new(config_file: Option<PathBuf>, connect_timeout: Duration) -> Self {
        Self { config_file, connect_timeout, directory: Mutex::new(None), open: OpenConnections::default() }
    }

    async fn directory(&self) -> Result<Arc<tempfile::TempDir>, Failure> {
        let mut slot = self.directory.lock().await;
        if let Some(directory) = slot.as_ref() {
            return Ok(directory.clone());
        }
        let made = Arc::new(control::directory()?);
        *slot = Some(made.clone());
        Ok(made)
    }
}

/// An open session, with the directory that must outlive it.
pub(in crate::adapters) struct OpenSession {
    // Declared first, so dropped first: the master is told to end before its socket's directory goes.
    session: Session,
    directory: Arc<tempfile::TempDir>,
}

impl OpenSession {
    pub(in crate::adapters) fn ssh(&self) -> &Session {
        &self.session
    }

    /// A directory of this process only, short enough for the path of a socket.
    pub(in crate::adapters) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Ends the master. One that has already gone is no trouble.
    pub(super) async fn close(self) {
        // One that does not answer ends by itself when it has been idle for long enough.
        if !matches!(timeout(CHECK_TIMEOUT, self.session.close()).await, Ok(Ok(()))) {
            tracing::debug!("an idle ssh connection did not close in order");
        }
    }
}

/// Something goes through the connection, or is about to.
pub(super) struct InUse;

/// A host's connection.
pub(in crate::adapters) struct HostConnection {
    host: SshHost,
    settings: Arc<Settings>,
    session: Mutex<Option<Arc<OpenSession>>>,
}

impl HostConnection {
    pub(super) fn new(host: SshHost, settings: Arc<Settings>) -> Self {
        Self { host, settings, session: Mutex::new(None) }
    }

    /// The host's name.
    pub(in crate::adapters) fn host(&self) -> &SshHost {
        &self.host
    }

    /// An open session: the one there is, when its master still answers, else a new one.
    ///
    /// # Errors
    /// Nothing has been done on the host when this fails.
    pub(in crate::adapters) async fn session(self: &Arc<Self>) -> Result<Arc<OpenSession>, Failure> {
        let mut slot = self.session.lock().await;
        if let Some(open) = slot.as_ref() {
            if matches!(timeout(CHECK_TIMEOUT, open.ssh().check()).await, Ok(Ok(()))) {
                self.settings.open.used(self);
                return Ok(open.clone());
            }
            tracing::debug!(host = %self.host, "the ssh connection has gone; opening a new one");
            *slot = None;
        }
        self.settings.open.make_room_for(self).await;
        let opened = self.open().await.inspect_err(|_| self.settings.open.forget(self));
        let open = Arc::new(opened?);
        *slot = Some(open.clone());
        Ok(open)
    }

    /// The session, to be closed, when nothing goes through it; none when there is none. The next who asks for one opens
    /// it again.
    pub(super) fn take_idle(&self) -> Result<Option<OpenSession>, InUse> {
        let mut slot = self.session.try_lock().map_err(|_| InUse)?;
        let Some(open) = slot.take() else { return Ok(None) };
        Arc::try_unwrap(open).map(Some).map_err(|open| {
            *slot = Some(open);
            InUse
        })
    }

    async fn open(&self) -> Result<OpenSession, Failure> {
        let directory = self.settings.directory().await?;
        // Whole seconds, and 0 would mean for ever.
        let patience = Duration::from_secs(self.settings.connect_timeout.as_secs().max(1));
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .connect_timeout(patience)
            .server_alive_interval(KEEP_ALIVE_INTERVAL)
            .control_persist(ControlPersist::IdleFor(IDLE))
            .control_directory(directory.path());
        if let Some(file) = &self.settings.config_file {
            builder.config_file(file);
        }
        // ConnectTimeout does not reach the jump hosts.
        let limit = patience * 2 + Duration::from_secs(5);
        match timeout(limit, builder.connect_mux(self.host.as_str())).await {
            Ok(Ok(session)) => Ok(OpenSession { session, directory }),
            Ok(Err(error)) => Err(classify::connecting(&self.host, &error)),
            Err(_) => Err(Failure::transient(format!("ssh {}: no connection within {} s", self.host, limit.as_secs()))),
        }
    }
}
