//! Connections to the simulated stores, and the claim and release of key spaces in them.

use std::time::Duration;

use async_trait::async_trait;

use super::calls::World;
use super::state::State;
use crate::core::{ApplyPermit, Failure, Secret, UndoPermit};
use crate::ports::{
    CacheConnector, CacheInfo, CacheSession, CacheWrite, Endpoint, KeySpace, Reachability, Route, ServerIdentity,
    StoreAccess, TransportSecurity, WriteFailure,
};
use crate::sim::cache::CacheServer;

/// How long a connection for a write is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// What it takes to open a connection.
const CONNECT_DURATION: Duration = Duration::from_millis(60);

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
                server.expire(now);
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
        self.command("cache.set_new", |server, now| server.set_new(key, value, now + ttl)).await
    }

    async fn exists(&mut self, key: &str) -> Result<bool, Failure> {
        self.command("cache.exists", |server, _| server.keys.contains_key(key)).await
    }

    async fn first_with_prefix(&mut self, prefix: &str) -> Result<Option<String>, Failure> {
        self.command("cache.scan", |server, _| server.keys.keys().find(|key| key.starts_with(prefix)).cloned()).await
    }

    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.command("cache.get", |server, _| server.get(key)).await
    }

    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure> {
        self.command("cache.ttl", |server, now| server.ttl(key, now)).await
    }

    async fn delete(&mut self, key: &str) -> Result<bool, Failure> {
        self.command("cache.delete", |server, _| server.keys.remove(key).is_some()).await
    }

    async fn identity(&mut self) -> Result<ServerIdentity, Failure> {
        self.command("cache.identity", |server, _| server.identity()).await
    }

    async fn info(&mut self) -> Result<CacheInfo, Failure> {
        self.command("cache.info", |server, _| server.info()).await
    }
}

impl World {
    /// Fails, after the timeout, when a connection does not get as far as the store.
    fn arrive(&self, route: &Route, endpoint: &Endpoint, timeout: Duration) -> Result<(), Failure> {
        let from = match route {
            Route::Direct => None,
            Route::Through(host) => Some(host),
        };
        let now = self.time().now();
        if self.edit(|state| state.reachability(from, endpoint, now))? != Reachability::Open {
            self.time().pass(timeout);
            return Err(silent(endpoint));
        }
        Ok(())
    }
}

fn silent(endpoint: &Endpoint) -> Failure {
    Failure::transient(format!("{endpoint} does not answer"))
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
            .look("cache.connect", CONNECT_DURATION, |state| {
                let server = state.stores.get(&endpoint.to_string()).ok_or_else(|| silent(endpoint))?;
                server.admit(security, token)
            })
            .await?;
        Ok(Box::new(Session { world: self.clone(), endpoint: endpoint.to_string(), authenticated }))
    }
}

/// The store, for a client that may write to it.
fn admitted<'a>(state: &'a mut State, store: &StoreAccess, now: Duration) -> Result<&'a mut CacheServer, Failure> {
    let server = state.stores.get_mut(&store.endpoint.to_string()).ok_or_else(|| silent(&store.endpoint))?;
    server.admitted(store, now)
}

#[async_trait]
impl CacheWrite for World {
    async fn claim(&self, permit: &ApplyPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        self.arrive(&store.route, &store.endpoint, CONNECT_TIMEOUT).map_err(WriteFailure::clean)?;
        self.write("cache.claim", &keys.prefix, permit.step(), |state, now| admitted(state, store, now)?.claim(keys))
            .await
    }

    async fn release(&self, permit: &UndoPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        self.arrive(&store.route, &store.endpoint, CONNECT_TIMEOUT).map_err(WriteFailure::clean)?;
        self.write("cache.release", &keys.prefix, permit.step(), |state, now| {
            admitted(state, store, now)?.release(keys)
        })
        .await
    }
}
