//! A byte stream to the store: from this machine, or through a host.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use openssh::{ForwardType, Socket};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::adapters::ssh::{HostConnection, OpenSession, reach_from};
use crate::core::Failure;
use crate::ports::{Endpoint, Reachability};

/// Anything bytes go both ways through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open stream.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Stream>,
    /// The ssh connection it goes through, which has to live as long.
    pub(super) through: Option<Arc<OpenSession>>,
}

/// Where a stream starts.
#[derive(Clone)]
pub(super) enum Origin {
    Here,
    Host(Arc<HostConnection>),
}

/// Opens a stream.
///
/// # Errors
/// Through a host, a stream opens even when the host cannot reach the store: it is closed at once, see [`explain`].
pub(super) async fn open(origin: &Origin, endpoint: &Endpoint, limit: Duration) -> Result<Opened, Failure> {
    match origin {
        Origin::Here => {
            let connecting = TcpStream::connect((endpoint.host.as_str(), endpoint.port));
            match timeout(limit, connecting).await {
                Ok(Ok(stream)) => {
                    // One command is one small packet: waiting to fill it would be measured as latency.
                    let _ = stream.set_nodelay(true);
                    Ok(Opened { stream: Box::new(stream), through: None })
                }
                Ok(Err(error)) => Err(Failure::transient(format!("connecting to {endpoint}: {error}"))),
                Err(_) => Err(unanswered(&Origin::Here, endpoint, limit)),
            }
        }
        Origin::Host(host) => {
            let session = host.session().await?;
            match timeout(limit, forward(&session, endpoint)).await {
                Ok(Ok(stream)) => Ok(Opened { stream: Box::new(stream), through: Some(session) }),
                Ok(Err(error)) => {
                    let message = format!("{}: cannot forward a connection to {endpoint}: {error}", host.host());
                    Err(Failure::transient(message))
                }
                Err(_) => Err(unanswered(origin, endpoint, limit)),
            }
        }
    }
}

/// One connection through the host: a forward from a socket in a directory of mode 0700, taken down as soon as we are
/// connected, so that nobody else finds it and nothing is left to clean up.
async fn forward(session: &OpenSession, endpoint: &Endpoint) -> io::Result<UnixStream> {
    let other = |error: openssh::Error| {
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        io::Error::other(format!("{error}{cause}"))
    };
    let directory = tempfile::Builder::new().prefix("f").tempdir_in(session.directory())?;
    let path = directory.path().join("s");
    let store = || Socket::new(endpoint.host.clone(), endpoint.port);
    session.ssh().request_port_forward(ForwardType::Local, path.as_path(), store()).await.map_err(other)?;
    let stream = UnixStream::connect(&path).await;
    session.ssh().close_port_forward(ForwardType::Local, path.as_path(), store()).await.map_err(other)?;
    stream
}

/// Nobody answered within the limit.
pub(super) fn unanswered(origin: &Origin, endpoint: &Endpoint, limit: Duration) -> Failure {
    let seconds = limit.as_secs_f64();
    Failure::transient(match origin {
        Origin::Here => format!("{endpoint} does not answer this machine within {seconds:.1} s"),
        Origin::Host(host) => format!("{endpoint} does not answer {} within {seconds:.1} s", host.host()),
    })
    .hint("check the security group's rule and the route between the two")
}

/// Why a stream was closed before the store said anything.
pub(super) async fn explain(origin: &Origin, endpoint: &Endpoint, limit: Duration) -> Failure {
    let Origin::Host(host) = origin else {
        return Failure::transient(format!("{endpoint} closed the connection at once"))
            .hint("the store may expect TLS, or plain text: see cache.tls in rollout.yaml");
    };
    let name = host.host();
    match reach_from(host, endpoint, limit).await {
        Ok(Reachability::Refused) => Failure::transient(format!("{endpoint} refuses connections from {name}")),
        Ok(Reachability::TimedOut) => unanswered(origin, endpoint, limit),
        Ok(Reachability::NoRoute) => {
            Failure::transient(format!("{name} has no route to {endpoint}, or does not know the name"))
        }
        Ok(Reachability::Open) => {
            Failure::transient(format!("{name} reaches {endpoint}, but the connection forwarded through it was closed"))
                .hint(format!("check AllowTcpForwarding in {name}'s sshd_config, and cache.tls in rollout.yaml"))
        }
        Err(failure) => failure,
    }
}
