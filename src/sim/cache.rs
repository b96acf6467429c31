//! The store: servers, who reaches them, and what they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::World;
use crate::core::{Failure, Secret};
use crate::ports::{
    CacheConnector, CacheInfo, CacheSession, Endpoint, Reachability, Route, ServerIdentity, TransportSecurity,
};

/// A Redis server.
#[derive(Debug, Clone)]
pub struct CacheServer {
    /// Never shared by two servers.
    pub run_id: String,
    /// Its version.
    pub version: String,
    /// Whether it speaks TLS, and nothing else.
    pub tls: bool,
    /// The token it asks for.
    pub token: Option<String>,
    /// What a round trip takes, in turn: the first entry, the second, and again from the first.
    pub round_trips: Vec<Duration>,
    /// Whether it takes any token for the right one.
    pub accepts_any_token: bool,
    /// Whether it also answers plain text.
    pub answers_plain_text: bool,
    /// Whether it forgets what it is told.
    pub forgets: bool,
    /// Keys evicted for want of memory since it started.
    pub evicted_keys: u64,
    /// Connections it has refused since it started.
    pub rejected_connections: u64,
    /// How much memory it may use, in bytes, when there is a limit.
    pub max_memory: Option<u64>,
    /// How many more are evicted between two times that somebody asks.
    pub evicts_each_time: u64,
    /// Keys that were asked for and there, and those that were not, since it started.
    pub asked: (u64, u64),
    /// Keys, their values, and when they expire; one that does not, at `Duration::MAX`.
    pub keys: BTreeMap<String, (Vec<u8>, Duration)>,
    served: usize,
}

impl CacheServer {
    /// A healthy, empty one.
    pub fn new(run_id: String, version: String, tls: bool, token: Option<String>) -> Self {
        Self {
            run_id,
            version,
            tls,
            token,
            round_trips: vec![Duration::from_millis(18), Duration::from_millis(21), Duration::from_millis(19)],
            accepts_any_token: false,
            answers_plain_text: false,
            forgets: false,
            evicted_keys: 0,
            evicts_each_time: 0,
            rejected_connections: 0,
            max_memory: None,
            asked: (0, 0),
            keys: BTreeMap::new(),
            served: 0,
        }
    }

    fn round_trip(&mut self) -> Duration {
        let takes = self.round_trips.get(self.served % self.round_trips.len().max(1)).copied().unwrap_or_default();
        self.served += 1;
        takes
    }
}

struct Session {
    world: World,
    endpoint: String,
    authenticated: bool,
}

impl Session {
    async fn command<T: Send>(
        &self,
        name: &str,
        answer: impl FnOnce(&mut CacheServer, Duration) -> T + Send,
    ) -> Result<T, Failure> {
        let gone = || Failure::transient(format!("the connection to {} is closed", self.endpoint));
        let takes = self.world.edit(|state| state.stores.get_mut(&self.endpoint).map(CacheServer::round_trip));
        let takes = takes.ok_or_else(gone)?;
        let now = self.world.time().now() + takes;
        self.world
            .look(name, takes, |state| {
                let server = state.stores.get_mut(&self.endpoint).ok_or_else(gone)?;
                if !self.authenticated {
                    return Err(Failure::permanent("NOAUTH Authentication required."));
                }
                server.keys.retain(|_, (_, until)| *until > now);
                Ok(answer(server, now))
            })
            .await
    }
}

#[async_trait]
impl CacheSession for Session {
    async fn ping(&mut self) -> Result<(), Failure> {
        self.command("cache.ping", |_, _| ()).await
    }

    async fn set_new(&mut self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, Failure> {
        self.command("cache.set_new", |server, now| {
            if server.keys.contains_key(key) {
                return false;
            }
            if !server.forgets {
                server.keys.insert(key.to_owned(), (value.to_vec(), now + ttl));
            }
            true
        })
        .await
    }

    async fn exists(&mut self, key: &str) -> Result<bool, Failure> {
        self.command("cache.exists", |server, _| server.keys.contains_key(key)).await
    }

    async fn first_with_prefix(&mut self, prefix: &str) -> Result<Option<String>, Failure> {
        self.command("cache.scan", |server, _| server.keys.keys().find(|key| key.starts_with(prefix)).cloned()).await
    }

    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.command("cache.get", |server, _| {
            let value = server.keys.get(key).map(|(value, _)| value.clone());
            let (hits, misses) = &mut server.asked;
            *if value.is_some() { hits } else { misses } += 1;
            value
        })
        .await
    }

    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure> {
        self.command("cache.ttl", |server, now| {
            let until = server.keys.get(key).map(|(_, until)| *until).filter(|until| *until < Duration::MAX);
            until.map(|until| until.saturating_sub(now))
        })
        .await
    }

    async fn delete(&mut self, key: &str) -> Result<bool, Failure> {
        self.command("cache.delete", |server, _| server.keys.remove(key).is_some()).await
    }

    async fn identity(&mut self) -> Result<ServerIdentity, Failure> {
        self.command("cache.identity", |server, _| ServerIdentity {
            run_id: server.run_id.clone(),
            version: server.version.clone(),
        })
        .await
    }

    async fn info(&mut self) -> Result<CacheInfo, Failure> {
        self.command("cache.info", |server, _| {
            server.evicted_keys += server.evicts_each_time;
            CacheInfo {
                clients: 1,
                blocked_clients: 0,
                used_memory: (1 << 20) + server.keys.values().map(|(value, _)| value.len() as u64 + 100).sum::<u64>(),
                max_memory: server.max_memory,
                evicted_keys: server.evicted_keys,
                rejected_connections: server.rejected_connections,
                keyspace_hits: server.asked.0,
                keyspace_misses: server.asked.1,
                operations_per_second: 0,
            }
        })
        .await
    }
}

impl World {
    /// Whether a connection gets as far as the store.
    pub(super) fn arrive(&self, route: &Route, endpoint: &Endpoint, timeout: Duration) -> Result<(), Failure> {
        let from = match route {
            Route::Direct => None,
            Route::Through(host) => Some(host),
        };
        if self.meets(from, endpoint)? != Reachability::Open {
            self.time().pass(timeout);
            return Err(Failure::transient(format!("{endpoint} does not answer")));
        }
        Ok(())
    }
}

#[async_trait]
impl CacheConnector for World {
    async fn connect(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<Box<dyn CacheSession>, Failure> {
        self.arrive(route, endpoint, timeout)?;
        let authenticated = self
            .look("cache.connect", Duration::from_millis(60), |state| {
                let server = state.stores.get(&endpoint.to_string());
                let server = server.ok_or_else(|| Failure::transient(format!("{endpoint} does not answer")))?;
                enter(server, security, token)
            })
            .await?;
        Ok(Box::new(Session { world: self.clone(), endpoint: endpoint.to_string(), authenticated }))
    }
}

/// Whether a new connection is authenticated, or why it is not let in.
pub(super) fn enter(
    server: &CacheServer,
    security: &TransportSecurity,
    token: Option<&Secret>,
) -> Result<bool, Failure> {
    match (security, server.tls) {
        (TransportSecurity::Plain, true) if !server.answers_plain_text => {
            return Err(Failure::transient("the server closed the connection"));
        }
        (TransportSecurity::Tls { .. }, false) => {
            return Err(Failure::permanent("the server does not speak TLS"));
        }
        _ => {}
    }
    match (&server.token, token) {
        (None, None) => Ok(true),
        (Some(_), None) => Ok(false),
        (Some(_), Some(_)) if server.accepts_any_token => Ok(true),
        (Some(right), Some(given)) if right == given.expose() => Ok(true),
        (Some(_), Some(_)) => Err(Failure::permanent("WRONGPASS invalid username-password pair")),
        (None, Some(_)) => Err(Failure::permanent("ERR AUTH called without any password configured")),
    }
}
