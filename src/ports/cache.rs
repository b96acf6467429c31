//! The session store, seen from somewhere.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::core::{Failure, Secret, rollout::SshHost};

/// Where a connection to the store starts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Route {
    /// At this machine.
    Direct,
    /// At a host, through an SSH forward.
    Through(SshHost),
}

/// The store's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// The host name, as certificates have it.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

impl std::str::FromStr for Endpoint {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::permanent(format!("`{text}` is not host:port"));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        Ok(Self { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
    }
}

/// How the connection is secured.
#[derive(Debug, Clone)]
pub enum TransportSecurity {
    /// TLS, with the system's authorities, or with those of a PEM file instead. The certificate must name the
    /// endpoint's host.
    Tls {
        /// The PEM file.
        ca_file: Option<std::path::PathBuf>,
    },
    /// Plain text.
    Plain,
}

/// What a server says it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerIdentity {
    /// `run_id` of `INFO server`: changes when the server restarts, never shared by two servers.
    pub run_id: String,
    /// `redis_version` of `INFO server`.
    pub version: String,
}

/// Opens connections to the store.
#[async_trait]
pub trait CacheConnector: Send + Sync {
    /// Opens one connection, secured and authenticated, within `timeout`.
    ///
    /// # Errors
    /// `Transient` when the network does not answer; `Permanent` when the token is refused or the certificate is wrong
    /// (`Denied` is for IAM only: it makes the run wait for permissions).
    async fn connect(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<Box<dyn CacheSession>, Failure>;
}

/// One open connection. Every call is one round trip.
#[async_trait]
pub trait CacheSession: Send {
    /// `PING`.
    async fn ping(&mut self) -> Result<(), Failure>;
    /// `SET key value EX ttl`, only when the key does not exist; whether it was set.
    async fn set_new(&mut self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, Failure>;
    /// `GET key`.
    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure>;
    /// `TTL key`; `None` when there is no such key or it does not expire.
    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure>;
    /// `DEL key`; whether it existed.
    async fn delete(&mut self, key: &str) -> Result<bool, Failure>;
    /// `INFO server`.
    async fn identity(&mut self) -> Result<ServerIdentity, Failure>;
}
