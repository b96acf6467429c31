//! A tunnel through a host: a forward of its ssh connection, from a socket on this machine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use openssh::{ForwardType, Socket};
use tempfile::TempDir;
use tokio::net::UnixStream;

use crate::adapters::ssh::OpenSession;
use crate::ports::Endpoint;

/// A forward to an endpoint as the host sees it. It lasts until [`close`](Self::close), or until the ssh connection ends.
pub(in crate::adapters) struct Tunnel {
    session: Arc<OpenSession>,
    socket: PathBuf,
    endpoint: Endpoint,
    /// Holds the socket; of mode 0700, so that no other user finds it.
    _directory: TempDir,
}

impl Tunnel {
    /// Asks the host for the forward. It opens even when the host cannot reach the endpoint: then each connection is
    /// closed at once.
    pub(in crate::adapters) async fn open(session: Arc<OpenSession>, endpoint: &Endpoint) -> io::Result<Self> {
        // The path of a socket has a limit of about 100 bytes, so the names are short.
        let directory = tempfile::Builder::new().prefix("f").tempdir_in(session.directory())?;
        let socket = directory.path().join("s");
        let tunnel = Self { session, socket, endpoint: endpoint.clone(), _directory: directory };
        let ssh = tunnel.session.ssh();
        ssh.request_port_forward(ForwardType::Local, tunnel.socket.as_path(), tunnel.remote()).await.map_err(failed)?;
        Ok(tunnel)
    }

    /// Opens one connection through it.
    pub(in crate::adapters) async fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(&self.socket).await
    }

    /// Takes the forward down. Connections that are open stay open.
    pub(in crate::adapters) async fn close(&self) -> io::Result<()> {
        let ssh = self.session.ssh();
        ssh.close_port_forward(ForwardType::Local, self.socket.as_path(), self.remote()).await.map_err(failed)
    }

    fn remote(&self) -> Socket<'static> {
        Socket::new(self.endpoint.host.clone(), self.endpoint.port)
    }
}

/// The error with its cause, which `openssh` does not print.
fn failed(error: openssh::Error) -> io::Error {
    let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
    io::Error::other(format!("{error}{cause}"))
}
