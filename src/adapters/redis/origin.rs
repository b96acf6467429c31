//! A byte stream to the store: from this machine, or through a host.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::adapters::net::{Stream, Tunnel, connect};
use crate::adapters::ssh::{HostConnection, OpenSession, reach_from};
use crate::core::Failure;
use crate::ports::{Endpoint, Reachability};

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
        Origin::Here => match timeout(limit, connect(endpoint)).await {
            Ok(Ok(stream)) => Ok(Opened { stream, through: None }),
            Ok(Err(error)) => Err(Failure::transient(format!("connecting to {endpoint}: {error}"))),
            Err(_) => Err(unanswered(&Origin::Here, endpoint, limit)),
        },
        Origin::Host(host) => {
            let session = host.session().await?;
            match timeout(limit, through(session.clone(), endpoint)).await {
                Ok(Ok(stream)) => Ok(Opened { stream, through: Some(session) }),
                Ok(Err(error)) => {
                    let message = format!("{}: cannot forward a connection to {endpoint}: {error}", host.host());
                    Err(Failure::transient(message))
                }
                Err(_) => Err(unanswered(origin, endpoint, limit)),
            }
        }
    }
}

/// One connection through the host. The tunnel is taken down as soon as we are connected, so that nothing is left to
/// clean up.
async fn through(session: Arc<OpenSession>, endpoint: &Endpoint) -> io::Result<Box<dyn Stream>> {
    let tunnel = Tunnel::open(session, endpoint).await?;
    let stream = tunnel.connect().await;
    tunnel.close().await?;
    Ok(Box::new(stream?))
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
