//! Changing the store: a key space is claimed, and released.

use std::time::Duration;

use async_trait::async_trait;
use redis::cmd;

use super::connector::RedisConnector;
use super::keys;
use super::session::RedisSession;
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{CacheSession as _, CacheWrite, KeySpace, StoreAccess, WriteFailure};

/// How long a connection may take to open, and then each command.
const WITHIN: Duration = Duration::from_secs(15);
/// How often a release looks again for keys that came while it was at work.
const PASSES: u32 = 10;

/// What a failed write may have done: a server that said no did nothing, silence says nothing.
fn failed(failure: Failure) -> WriteFailure {
    if failure.class.is_retryable() { WriteFailure::unknown(failure) } else { WriteFailure::clean(failure) }
}

async fn open(connector: &RedisConnector, store: &StoreAccess) -> Result<RedisSession, WriteFailure> {
    let StoreAccess { route, endpoint, security, token } = store;
    connector.open(route, endpoint, security, token.as_ref(), WITHIN).await.map_err(WriteFailure::clean)
}

/// Whose mark there is.
async fn owner(session: &mut RedisSession, keys: &KeySpace) -> Result<Option<String>, Failure> {
    Ok(session.get(&keys.mark()).await?.map(|name| String::from_utf8_lossy(&name).into_owned()))
}

/// Deletes what is there but the mark; how many keys that were.
async fn sweep(session: &mut RedisSession, keys: &KeySpace) -> Result<usize, Failure> {
    let (mark, mut cursor, mut removed) = (keys.mark(), 0, 0);
    loop {
        let (next, mut found) = keys::scan(session, &keys.prefix, cursor).await?;
        found.retain(|key| key != mark.as_bytes());
        if !found.is_empty() {
            let _: u64 = session.ask("UNLINK", cmd("UNLINK").arg(&found)).await?;
            removed += found.len();
        }
        if next == 0 {
            return Ok(removed);
        }
        cursor = next;
    }
}

#[async_trait]
impl CacheWrite for RedisConnector {
    async fn claim(&self, _: &ApplyPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        let mut session = open(self, store).await?;
        let set = cmd("SET").arg(keys.mark()).arg(&keys.rollout).arg("NX").to_owned();
        // OK, or nil when the key exists: https://redis.io/docs/latest/commands/set/
        let made: Option<String> = session.ask("SET", &set).await.map_err(failed)?;
        if made.is_some() {
            return Ok(());
        }
        match owner(&mut session, keys).await.map_err(failed)? {
            Some(name) if name == keys.rollout => Ok(()),
            Some(name) => Err(WriteFailure::clean(keys.belongs_to(&name))),
            None => Err(WriteFailure::clean(Failure::transient(format!(
                "{}: the key {} came and went meanwhile",
                store.endpoint,
                keys.mark()
            )))),
        }
    }

    async fn release(&self, _: &UndoPermit, store: &StoreAccess, keys: &KeySpace) -> Result<(), WriteFailure> {
        keys.refuse_everything()?;
        let mut session = open(self, store).await?;
        match owner(&mut session, keys).await.map_err(WriteFailure::clean)? {
            Some(name) if name != keys.rollout => return Err(WriteFailure::clean(keys.belongs_to(&name))),
            _ => {}
        }
        for _ in 0..PASSES {
            if sweep(&mut session, keys).await.map_err(WriteFailure::unknown)? == 0 {
                session.delete(&keys.mark()).await.map_err(WriteFailure::unknown)?;
                return Ok(());
            }
        }
        let message = format!("{}: another client keeps writing keys below {}", store.endpoint, keys.prefix);
        Err(WriteFailure::unknown(Failure::transient(message).hint("stop the copy first: it writes them")))
    }
}
