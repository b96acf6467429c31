//! Opening connections to a target: over TCP, or through a host by one tunnel for all users.

use std::io;

use crate::adapters::net::{Stream, TlsClient, Tunnel, connect};
use crate::adapters::ssh::Hosts;
use crate::core::Failure;
use crate::ports::{Endpoint, LoadTarget, Route, TransportSecurity};

/// The way to a target.
pub(super) struct Way {
    place: Place,
    security: Option<TlsClient>,
}

enum Place {
    Tcp(Endpoint),
    Tunnel(Tunnel),
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
                let authority = target.host();
                let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
                // An IPv6 address is in brackets there, and in a certificate it is not.
                Some(TlsClient::new(ca_file.as_deref(), host.trim_matches(['[', ']']))?)
            }
        };
        let place = match &target.route {
            Route::Direct => Place::Tcp(target.endpoint.clone()),
            Route::Through(host) => {
                let hosts = hosts.ok_or_else(|| Failure::permanent("no ssh connection was set up for this load"))?;
                let session = hosts.connection(host).session().await?;
                let tunnel = Tunnel::open(session, &target.endpoint).await.map_err(|error| {
                    Failure::transient(format!("cannot forward connections to {}: {error}", target.endpoint))
                        .hint("check AllowTcpForwarding in the host's sshd_config")
                })?;
                Place::Tunnel(tunnel)
            }
        };
        Ok(Self { place, security })
    }

    /// Opens one connection.
    pub async fn open(&self) -> io::Result<Box<dyn Stream>> {
        let stream: Box<dyn Stream> = match &self.place {
            Place::Tcp(endpoint) => connect(endpoint).await?,
            Place::Tunnel(tunnel) => Box::new(tunnel.connect().await?),
        };
        match &self.security {
            Some(client) => client.secure(stream).await,
            None => Ok(stream),
        }
    }

    /// Takes down what was set up.
    pub async fn close(&self) {
        // It also ends with the ssh connection: nothing is left for long.
        if let Place::Tunnel(tunnel) = &self.place
            && let Err(error) = tunnel.close().await
        {
            tracing::debug!(%error, "the tunnel of a load was not closed");
        }
    }
}
