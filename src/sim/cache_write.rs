//! Changing the store: a key space is claimed, and released.

use std::time::Duration;

use async_trait::async_trait;

use super::cache::enter;
use super::{CacheServer, State, World};
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{CacheWrite, KeySpace, StoreAccess, WriteFailure};

/// How long a connection is tried.
const WITHIN: Duration = Duration::from_secs(15);

/// The store, for whoever it lets in.
fn entered<'a>(state: &'a mut State, store: &StoreAccess, now: Duration) -> Result<&'a mut CacheServer, Failure> {
    let gone = || Failure::transient(format!("{} does not answer", store.endpoint));
    let server = state.stores.get_mut(&store.endpoint.to_string()).ok_or_else(gone)?;
    if !enter(server, &store.security, store.token.as_ref())? {
        return Err(Failure::permanent("NOAUTH Authentication required."));
    }
    server.keys.retain(|_, (_, until)| *until > now);
    Ok(server)
}

/// The rollout whose mark there is, when it is another one.
fn another(server: &CacheServer, keys: &KeySpace) -> Option<String> {
    let (name, _) = server.keys.get(&keys.mark())?;
    let name = String::from_utf8_lossy(name).into_owned();
    (name != keys.rollout).then_some(name)
}

#[async_trait]
impl CacheWrite for World {
    async fn claim(&self, permit: &ApplyPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        self.arrive(&store.route, &store.endpoint, WITHIN).map_err(WriteFailure::clean)?;
        self.write("cache.claim", &keys.prefix, permit.step(), |state, now| {
            let server = entered(state, store, now)?;
            if let Some(name) = another(server, keys) {
                return Err(keys.belongs_to(&name));
            }
            server.keys.insert(keys.mark(), (keys.rollout.clone().into_bytes(), Duration::MAX));
            Ok(())
        })
        .await
    }

    async fn release(&self, permit: &UndoPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        self.arrive(&store.route, &store.endpoint, WITHIN).map_err(WriteFailure::clean)?;
        self.write("cache.release", &keys.prefix, permit.step(), |state, now| {
            let server = entered(state, store, now)?;
            if let Some(name) = another(server, keys) {
                return Err(keys.belongs_to(&name));
            }
            server.keys.retain(|key, _| !key.starts_with(&keys.prefix));
            Ok(())
        })
        .await
    }
}
