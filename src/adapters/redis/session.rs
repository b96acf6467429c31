//! One authenticated connection.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, ProtocolVersion, RedisConnectionInfo, cmd};
use tokio::task::AbortHandle;

use super::classify::{self, Unusable};
use super::info;
use super::keys;
use super::origin::Opened;
use crate::adapters::ssh::OpenSession;
use crate::core::{Failure, Secret};
use crate::ports::{CacheInfo, CacheSession, Endpoint, ServerIdentity};

/// A connection and the task that drives it. Dropped, both end.
pub(super) struct RedisSession {
    endpoint: Endpoint,
    connection: MultiplexedConnection,
    driver: AbortHandle,
    _through: Option<Arc<OpenSession>>,
}

impl Drop for RedisSession {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl RedisSession {
    /// Authenticates on an open stream, and says PING: a server that wants a token is found out here. `patience` is how
    /// long each later command may take.
    pub(super) async fn begin(
        endpoint: &Endpoint,
        opened: Opened,
        token: Option<&Secret>,
        patience: Duration,
    ) -> Result<Self, Unusable> {
        // Nothing is sent by the library on its own, so that what fails is known by its name.
        let settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP2).set_skip_set_lib_name();
        let limits = AsyncConnectionConfig::new().set_response_timeout(Some(patience));
        let (connection, driver) = MultiplexedConnection::new_with_config(&settings, opened.stream, limits)
            .await
            .map_err(|error| Unusable::new(&error, classify::command(endpoint, "connecting", &error)))?;
        let driver = tokio::spawn(driver).abort_handle();
        let mut session = Self { endpoint: endpoint.clone(), connection, driver, _through: opened.through };
        if let Some(token) = token {
            let outcome: redis::RedisResult<()> =
                cmd("AUTH").arg(token.expose()).query_async(&mut session.connection).await;
            outcome.map_err(|error| Unusable::new(&error, classify::authentication(endpoint, &error)))?;
        }
        let outcome: redis::RedisResult<()> = cmd("PING").query_async(&mut session.connection).await;
        outcome.map_err(|error| Unusable::new(&error, classify::command(endpoint, "PING", &error)))?;
        Ok(session)
    }

    pub(super) async fn ask<T: FromRedisValue>(&mut self, name: &str, command: &Cmd) -> Result<T, Failure> {
        command.query_async(&mut self.connection).await.map_err(|error| classify::command(&self.endpoint, name, &error))
    }
}

#[async_trait]
impl CacheSession for RedisSession {
    async fn ping(&mut self) -> Result<(), Failure> {
        self.ask("PING", &cmd("PING")).await
    }

    async fn set_new(&mut self, key: &str, value: &[u8], ttl: Duration) -> Result<bool, Failure> {
        let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        // OK, or nil when the key exists: https://redis.io/docs/latest/commands/set/
        let answer: Option<String> =
            self.ask("SET", cmd("SET").arg(key).arg(value).arg("NX").arg("PX").arg(milliseconds)).await?;
        Ok(answer.is_some())
    }

    async fn exists(&mut self, key: &str) -> Result<bool, Failure> {
        let found: u64 = self.ask("EXISTS", cmd("EXISTS").arg(key)).await?;
        Ok(found > 0)
    }

    async fn first_with_prefix(&mut self, prefix: &str) -> Result<Option<String>, Failure> {
        let mut cursor = 0;
        loop {
            let (next, keys) = keys::scan(self, prefix, cursor).await?;
            if let Some(key) = keys.first() {
                return Ok(Some(String::from_utf8_lossy(key).into_owned()));
            }
            if next == 0 {
                return Ok(None);
            }
            cursor = next;
        }
    }

    async fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        self.ask("GET", cmd("GET").arg(key)).await
    }

    async fn ttl(&mut self, key: &str) -> Result<Option<Duration>, Failure> {
        // -2 without a key, -1 without an expiry: https://redis.io/docs/latest/commands/ttl/
        let seconds: i64 = self.ask("TTL", cmd("TTL").arg(key)).await?;
        Ok(u64::try_from(seconds).ok().map(Duration::from_secs))
    }

    async fn delete(&mut self, key: &str) -> Result<bool, Failure> {
        let deleted: u64 = self.ask("DEL", cmd("DEL").arg(key)).await?;
        Ok(deleted > 0)
    }

    async fn identity(&mut self) -> Result<ServerIdentity, Failure> {
        let text: String = self.ask("INFO", cmd("INFO").arg("server")).await?;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| Failure::permanent(format!("{}: INFO server does not say its {name}", self.endpoint)))
        };
        Ok(ServerIdentity { run_id: field("run_id")?, version: field("redis_version")? })
    }
    async fn info(&mut self) -> Result<CacheInfo, Failure> {
        // All of it: several sections in one command are newer than the servers that are still in use.
        let text: String = self.ask("INFO", &cmd("INFO")).await?;
        let missing = |name| Failure::permanent(format!("{}: INFO does not say its {name}", self.endpoint));
        info::read(&text).map_err(missing)
    }
}
