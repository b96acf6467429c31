//! The store: servers, who reaches them, and what they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::World;
use crate::core::{Failure, Secret};
use crate::ports::{CacheConnector, CacheSession, Endpoint, Reachability, Route, ServerIdentity, TransportSecurity};

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
    /// Keys, their values, and when they expire.
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

    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.command("cache.get", |server, _| server.keys.get(key).map(|(value, _)| value.clone())).await
    }

    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure> {
        self.command("cache.ttl", |server, now| server.keys.get(key).map(|(_, until)| until.saturating_sub(now))).await
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
        let from = match route {
            Route::Direct => None,
            Route::Through(host) => Some(host),
        };
        if self.meets(from, endpoint)? != Reachability::Open {
            self.time().pass(timeout);
            return Err(Failure::transient(format!("{endpoint} does not answer")));
        }
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
fn enter(server: &CacheServer, security: &TransportSecurity, token: Option<&Secret>) -> Result<bool, Failure> {
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
