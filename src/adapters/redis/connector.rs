//! Opening a connection: stream, TLS, token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::classify::Unusable;
use super::handshake::{NoTls, secure};
use super::origin::{Opened, Origin, explain, open, unanswered};
use super::session::RedisSession;
use crate::adapters::net::TlsClient;
use crate::adapters::ssh::Hosts;
use crate::core::{Failure, Secret};
use crate::ports::{CacheConnector, CacheSession, Endpoint, Route, TransportSecurity};

/// Opens connections to the store, from this machine or through any of the hosts.
pub struct RedisConnector {
    hosts: Arc<Hosts>,
}

impl RedisConnector {
    /// Goes through the connections of these hosts.
    pub fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }

    /// Opens one connection.
    pub(super) async fn open(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<RedisSession, Failure> {
        let origin = match route {
            Route::Direct => Origin::Here,
            Route::Through(host) => Origin::Host(self.hosts.connection(host)),
        };
        let attempt = Attempt { origin, endpoint, limit: timeout };
        match security {
            TransportSecurity::Plain => attempt.plain(token).await,
            TransportSecurity::Tls { ca_file } => attempt.secured(ca_file.as_deref(), token).await,
        }
    }
}

#[async_trait]
impl CacheConnector for RedisConnector {
    /// The time an ssh connection takes to open is not part of `timeout`; it has a limit of its own.
    async fn connect(
        &self,
        route: &Route,
        endpoint: &Endpoint,
        security: &TransportSecurity,
        token: Option<&Secret>,
        timeout: Duration,
    ) -> Result<Box<dyn CacheSession>, Failure> {
        Ok(Box::new(self.open(route, endpoint, security, token, timeout).await?))
    }
}

struct Attempt<'a> {
    origin: Origin,
    endpoint: &'a Endpoint,
    limit: Duration,
}

impl Attempt<'_> {
    async fn plain(&self, token: Option<&Secret>) -> Result<RedisSession, Failure> {
        let opened = open(&self.origin, self.endpoint, self.limit).await?;
        self.begin(opened, token, self.limit).await
    }

    async fn secured(
        &self,
        ca_file: Option<&std::path::Path>,
        token: Option<&Secret>,
    ) -> Result<RedisSession, Failure> {
        let client = TlsClient::new(ca_file, &self.endpoint.host)?;
        let started = Instant::now();
        let opened = open(&self.origin, self.endpoint, self.limit).await?;
        // A server without TLS may wait for more of what it takes for a command: some time is left to find that out.
        let handshake = self.limit.saturating_sub(started.elapsed()).mul_f32(0.6);
        let secured = match timeout(handshake, secure(&client, self.endpoint, opened.stream)).await {
            Ok(Ok(stream)) => Opened { stream, through: opened.through },
            Ok(Err(NoTls::Because(failure))) => return Err(failure),
            Ok(Err(NoTls::Plain)) => return Err(self.speaks_plain_text()),
            Ok(Err(NoTls::Closed)) => {
                return Err(match self.answers_plain_text().await {
                    true => self.speaks_plain_text(),
                    false => explain(&self.origin, self.endpoint, self.limit).await,
                });
            }
            Err(_) => {
                return Err(match self.answers_plain_text().await {
                    true => self.speaks_plain_text(),
                    false => unanswered(&self.origin, self.endpoint, self.limit),
                });
            }
        };
        self.begin(secured, token, self.limit.saturating_sub(started.elapsed())).await
    }

    async fn begin(&self, opened: Opened, token: Option<&Secret>, left: Duration) -> Result<RedisSession, Failure> {
        match timeout(left, RedisSession::begin(self.endpoint, opened, token, self.limit)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(Unusable::Said(failure))) => Err(failure),
            // Closed before the first answer: through a host that is how an unreachable store looks.
            Ok(Err(Unusable::Closed)) => Err(explain(&self.origin, self.endpoint, self.limit).await),
            Ok(Err(Unusable::Silent)) | Err(_) => Err(unanswered(&self.origin, self.endpoint, self.limit)),
        }
    }

    fn speaks_plain_text(&self) -> Failure {
        Failure::permanent(format!("{} speaks plain text, not TLS", self.endpoint))
            .hint("check cache.tls in rollout.yaml, or whether this is the right server")
    }

    /// Whether the server answers a command in plain text. Without the token: a refusal is an answer too.
    async fn answers_plain_text(&self) -> bool {
        let asking = async {
            let mut opened = open(&self.origin, self.endpoint, self.limit).await.ok()?;
            opened.stream.write_all(b"PING\r\n").await.ok()?;
            let mut first = [0; 1];
            opened.stream.read_exact(&mut first).await.ok()?;
            Some(matches!(first, [b'+' | b'-']))
        };
        matches!(timeout(self.limit.mul_f32(0.4), asking).await, Ok(Some(true)))
    }
}
