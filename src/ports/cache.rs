//! The session store, seen from somewhere.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::WriteFailure;
use crate::core::{ApplyPermit, Failure, FailureClass, Secret, UndoPermit, rollout::SshHost};

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
        // An IPv6 address has colons of its own.
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl std::str::FromStr for Endpoint {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::permanent(format!("`{text}` is not host:port"));
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        Ok(Self { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
    }
}

crate::fact_as_text!(Endpoint);

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

/// How a server is doing: fields of `INFO`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheInfo {
    /// `connected_clients`.
    pub clients: u64,
    /// `blocked_clients`: those that wait for something.
    pub blocked_clients: u64,
    /// `used_memory`, in bytes.
    pub used_memory: u64,
    /// `maxmemory`, in bytes; `None` when there is no limit, or the server does not say.
    pub max_memory: Option<u64>,
    /// `evicted_keys` since the server started: sessions lost for want of memory.
    pub evicted_keys: u64,
    /// `rejected_connections` since the server started: more clients than it takes.
    pub rejected_connections: u64,
    /// `keyspace_hits` since the server started.
    pub keyspace_hits: u64,
    /// `keyspace_misses` since the server started.
    pub keyspace_misses: u64,
    /// `instantaneous_ops_per_sec`.
    pub operations_per_second: u64,
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

/// One open connection. Every call is one round trip, but for [`CacheSession::first_with_prefix`].
#[async_trait]
pub trait CacheSession: Send {
    /// `PING`.
    async fn ping(&mut self) -> Result<(), Failure>;
    /// `SET key value EX ttl`, only when the key does not exist; whether it was set.
    async fn set_new(&mut self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, Failure>;
    /// `EXISTS key`.
    async fn exists(&mut self, key: &str) -> Result<bool, Failure>;
    /// Any one key that begins with this text, taken literally; found with `SCAN`, which holds nobody up.
    async fn first_with_prefix(&mut self, prefix: &str) -> Result<Option<String>, Failure>;
    /// `GET key`.
    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure>;
    /// `TTL key`; `None` when there is no such key or it does not expire.
    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure>;
    /// `DEL key`; whether it existed.
    async fn delete(&mut self, key: &str) -> Result<bool, Failure>;
    /// `INFO server`.
    async fn identity(&mut self) -> Result<ServerIdentity, Failure>;
    /// `INFO`: how the server is doing.
    async fn info(&mut self) -> Result<CacheInfo, Failure>;
}

/// Everything it takes to open a connection: what [`CacheConnector::connect`] takes, as one value.
#[derive(Debug, Clone)]
pub struct StoreAccess {
    /// From where.
    pub route: Route,
    /// To where.
    pub endpoint: Endpoint,
    /// How secured.
    pub security: TransportSecurity,
    /// The auth token.
    pub token: Option<Secret>,
}

impl StoreAccess {
    /// Opens one connection within `timeout`.
    ///
    /// # Errors
    /// As [`CacheConnector::connect`].
    pub async fn open(
        &self,
        connector: &dyn CacheConnector,
        timeout: Duration,
    ) -> Result<Box<dyn CacheSession>, Failure> {
        connector.connect(&self.route, &self.endpoint, &self.security, self.token.as_ref(), timeout).await
    }
}

/// All keys with one prefix, and the key that marks them as a rollout's: the prefix followed by `owner`, which holds the
/// rollout's name and does not expire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpace {
    /// What every key of it begins with. Never empty.
    pub prefix: String,
    /// Whose.
    pub rollout: String,
}

impl KeySpace {
    /// The key that says whose they are.
    pub fn mark(&self) -> String {
        format!("{}owner", self.prefix)
    }

    /// The refusal of a key space that is everything there is.
    ///
    /// # Errors
    /// When the prefix is empty.
    pub fn refuse_everything(&self) -> Result<(), WriteFailure> {
        if self.prefix.is_empty() {
            let failure = Failure::permanent("a key space without a prefix is the whole store: it is not ours");
            return Err(WriteFailure::clean(failure));
        }
        Ok(())
    }

    /// Why it cannot be had: its mark names another rollout.
    pub fn belongs_to(&self, other: &str) -> Failure {
        let message = format!(
            "the keys below {} belong to the rollout `{other}` (says {}), not to `{}`",
            self.prefix,
            self.mark(),
            self.rollout
        );
        Failure::new(FailureClass::Foreign, message)
            .hint("roll that rollout back, or give this one another `name` in rollout.yaml")
    }
}

/// Changing the store.
#[async_trait]
pub trait CacheWrite: Send + Sync {
    /// Sets the mark. One that is there and ours is success; one of another rollout is refused (`Foreign`).
    async fn claim(&self, permit: &ApplyPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure>;
    /// Deletes every key of the key space, the mark last (`SCAN` and `UNLINK`: nobody is held up). With another
    /// rollout's mark it is refused (`Foreign`).
    async fn release(&self, permit: &UndoPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_is_in_brackets_before_its_port() {
        for (text, host) in
            [("[::1]:8081", "::1"), ("cache.example.org:6379", "cache.example.org"), ("127.0.0.1:1", "127.0.0.1")]
        {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.to_string().as_str()), (host, text));
        }
    }
}
