//! Opening connections to a target: over TCP, or through a host by one forward for all users.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use openssh::{ForwardType, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::adapters::ssh::{Hosts, OpenSession};
use crate::core::Failure;
use crate::ports::{Endpoint, LoadTarget, Route, TransportSecurity};

/// Anything bytes go both ways through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

/// The way to a target.
pub(super) struct Way {
    place: Place,
    security: Option<super::tls::Security>,
}

enum Place {
    Tcp(Endpoint),
    Forward { socket: PathBuf, forward: Forward },
}

/// A forward, taken down when the load is over.
struct Forward {
    session: Arc<OpenSession>,
    /// Holds the socket; of mode 0700, so that nobody else finds it.
    _directory: tempfile::TempDir,
    endpoint: Endpoint,
}

impl Way {
    /// Finds the way.
    ///
    /// # Errors
    /// When the host cannot be reached, or does not forward.
    pub async fn to(target: &LoadTarget, hosts: Option<&Hosts>) -> Result<Self, Failure> {
        let security = match &target.security {
            TransportSecurity::Plain => None,
            TransportSecurity::Tls { ca_file } => {
                Some(super::tls::Security::new(ca_file.as_deref(), target.host().as_str())?)
            }
        };
        let place = match &target.route {
            Route::Direct => Place::Tcp(target.endpoint.clone()),
            Route::Through(host) => {
                let hosts = hosts.ok_or_else(|| Failure::permanent("no ssh connection was set up for this load"))?;
                forward(hosts.connection(host).session().await?, &target.endpoint).await?
            }
        };
        Ok(Self { place, security })
    }

    /// Opens one connection.
    pub async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let stream: Box<dyn Stream> = match &self.place {
            Place::Tcp(endpoint) => {
                let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
                // A request is one small packet: waiting to fill it would be measured as latency.
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Place::Forward { socket, .. } => Box::new(UnixStream::connect(socket).await?),
        };
        match &self.security {
            Some(security) => security.secure(stream).await,
            None => Ok(stream),
        }
    }

    /// Takes down what was set up.
    pub async fn close(&self) {
        if let Place::Forward { socket, forward } = &self.place {
            let store = Socket::new(forward.endpoint.host.clone(), forward.endpoint.port);
            // It also ends with the ssh connection: nothing is left for long.
            let closing = forward.session.ssh().close_port_forward(ForwardType::Local, socket.as_path(), store);
            if let Err(error) = closing.await {
                tracing::debug!(%error, "the forward of a load was not closed");
            }
        }
    }
}

async fn forward(session: Arc<OpenSession>, endpoint: &Endpoint) -> Result<Place, Failure> {
    let refuse = |error: &dyn std::fmt::Display| {
        Failure::transient(format!("cannot forward connections to {endpoint}: {error}"))
            .hint("check AllowTcpForwarding in the host's sshd_config")
    };
    let directory = tempfile::Builder::new().prefix("l").tempdir_in(session.directory());
    let directory = directory.map_err(|error| refuse(&error))?;
    let socket = directory.path().join("s");
    let store = Socket::new(endpoint.host.clone(), endpoint.port);
    let asked = session.ssh().request_port_forward(ForwardType::Local, socket.as_path(), store).await;
    asked.map_err(|error| refuse(&error))?;
    let forward = Forward { session, _directory: directory, endpoint: endpoint.clone() };
    Ok(Place::Forward { socket, forward })
}
