//! `cache_connection_test`: the store, used from staging as the application will use it.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    ChecklistItem, Contract, Facts, Failure, Input, Measurement, Secret, Verdict,
    rollout::{Rollout, TlsMode},
};
use crate::evidence::LatencySummary;
use crate::ports::{CacheSession, Endpoint, Route, ServerIdentity, TransportSecurity};
use crate::steps::facts::STORE_RUN_ID;
use crate::steps::measure::measurement;
use crate::steps::site::store_access;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// How long one connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a connection that ought to be refused is waited for.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the test key lives when it is not removed.
const KEY_LIFETIME: Duration = Duration::from_secs(60);
/// The minimum number of samples for a 99th percentile.
const MIN_SAMPLES: usize = 50;
/// Pings that are not counted: the first ones pay for the SSH forward and for TLS.
const WARM_UP_PINGS: usize = 10;

/// Connects through staging, uses the store, and tries to misuse it.
pub struct CacheConnectionTest(Settings);

/// What a `cache_connection_test` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    endpoint: Input<String>,
    /// How many round trips to measure; fewer than 50 prove nothing.
    #[schemars(range(min = 1, max = 100_000))]
    samples: u32,
}

impl Kind for CacheConnectionTest {
    type Settings = Settings;
    const NAME: &'static str = "cache_connection_test";
    const SUMMARY: &'static str = "uses the store from staging: PING, auth, TLS, a key of our own, latency";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[STORE_RUN_ID.name()];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

/// Everything it takes to open one more connection.
struct Connecting<'a> {
    context: &'a ReadContext<'a>,
    route: Route,
    endpoint: Endpoint,
    security: TransportSecurity,
    token: Option<Secret>,
}

impl Connecting<'_> {
    async fn open(
        &self,
        security: &TransportSecurity,
        token: Option<&Secret>,
        within: Duration,
    ) -> Result<Box<dyn CacheSession>, Failure> {
        self.context.ports.cache.connect(&self.route, &self.endpoint, security, token, within).await
    }

    async fn open_properly(&self) -> Result<Box<dyn CacheSession>, Failure> {
        self.open(&self.security, self.token.as_ref(), CONNECT_TIMEOUT).await
    }

    fn measured(&self, verdict: Verdict, summary: String, data: serde_json::Value) -> Measurement {
        measurement(verdict, self.endpoint.to_string(), summary, data)
    }
}

#[async_trait]
impl Observe for CacheConnectionTest {
    fn plan(&self, rollout: &Rollout) -> Diff {
        Diff::one(
            DiffAction::Read,
            format!(
                "the store from {}: PING, auth, TLS, a key of our own that is removed again, latency of {} round trips",
                rollout.staging.host, self.0.samples
            ),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let rollout = context.rollout();
        let connecting = Connecting {
            context,
            route: Route::Through(rollout.staging.host.clone()),
            endpoint: self.0.endpoint.text(context.facts)?.parse()?,
            security: store_access::security(context),
            token: context.ports.secrets.auth_token(&rollout.cache.auth).await?,
        };
        let mut session = match connecting.open_properly().await {
            Ok(session) => session,
            Err(failure) => return refused_entry(&connecting, failure),
        };
        session.ping().await?;
        let identity = session.identity().await?;
        let mut measurements = vec![round_trip(&connecting, &mut session, &identity).await];
        if connecting.token.is_some() {
            measurements.push(wrong_token(&connecting).await);
        }
        if rollout.cache.tls.mode == TlsMode::Required {
            measurements.push(plain_text(&connecting).await);
        }
        measurements.push(latency(&connecting, &mut session, self.0.samples).await?);
        let hint = "fix what is listed, then run the phase again; nothing on the application has changed";
        Ok(Observation {
            facts: Facts::new().with_fact(STORE_RUN_ID, identity.run_id),
            failure: measure::failure_of(&measurements, hint),
            measurements,
        })
    }
}

/// The store did not let us in. A hiccup is tried again by the engine; anything else is a finding.
fn refused_entry(connecting: &Connecting<'_>, failure: Failure) -> Result<Observation, Failure> {
    let host = &connecting.context.rollout().staging.host;
    let words = format!("{} cannot be used from {host}: {failure}", connecting.endpoint);
    if failure.class.is_retryable() {
        let hint = failure.hint.unwrap_or_else(|| {
            format!("check that {host} may reach {} (security groups), and `ssh {host}`", connecting.endpoint)
        });
        return Err(Failure::new(failure.class, words).hint(hint));
    }
    let hint = failure.hint.clone().unwrap_or_else(|| "compare cache.tls and cache.auth with the store".to_owned());
    let data = serde_json::json!({ "class": failure.class, "message": failure.message });
    let measurements = vec![connecting.measured(Verdict::Abort, words, data)];
    Ok(Observation { facts: Facts::new(), failure: measure::failure_of(&measurements, &hint), measurements })
}

/// A key of our own: set, read, its lifetime, deleted; deleted, too, when something fails in between.
async fn round_trip(
    connecting: &Connecting<'_>,
    session: &mut Box<dyn CacheSession>,
    identity: &ServerIdentity,
) -> Measurement {
    let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(16).collect();
    let key = format!("migrate:{}:connection-test:{random}", connecting.context.rollout().name);
    let used = use_key(session, &key, random.as_bytes()).await;
    let removed = match session.delete(&key).await {
        Ok(existed) => Ok(existed),
        // The connection broke: a new one may still remove the key. If not, it expires by itself.
        Err(_) => match connecting.open_properly().await {
            Ok(mut fresh) => fresh.delete(&key).await,
            Err(failure) => Err(failure),
        },
    };
    let data = serde_json::json!({
        "run_id": identity.run_id, "version": identity.version, "key": key, "removed": removed.is_ok(),
    });
    let staging = &connecting.context.rollout().staging.host;
    let (verdict, summary) = match (used, removed) {
        (Ok(()), Ok(true)) => (
            Verdict::Pass,
            format!(
                "PING, SET, GET, TTL and DEL work from {staging} (server {}, version {})",
                identity.run_id, identity.version
            ),
        ),
        (Ok(()), Ok(false)) => {
            (Verdict::Abort, format!("the key {key} was gone before it was deleted: something else empties this store"))
        }
        (Ok(()), Err(failure)) => (
            Verdict::Abort,
            format!("the key {key} could not be deleted ({failure}); it expires within {} s", KEY_LIFETIME.as_secs()),
        ),
        (Err(failure), _) => (Verdict::Abort, format!("a key of our own could not be used from {staging}: {failure}")),
    };
    let mut result = connecting.measured(verdict, summary, data);
    result.proves = vec![ChecklistItem::ConnectFromStaging];
    result
}

async fn use_key(session: &mut Box<dyn CacheSession>, key: &str, value: &[u8]) -> Result<(), Failure> {
    if !session.set_new(key, value, KEY_LIFETIME).await? {
        return Err(Failure::permanent(format!("the key {key} already exists")));
    }
    if session.get(key).await?.as_deref() != Some(value) {
        return Err(Failure::permanent("GET does not return what SET stored"));
    }
    match session.ttl(key).await? {
        Some(left) if left <= KEY_LIFETIME => Ok(()),
        Some(left) => {
            Err(Failure::permanent(format!("the key lives {} s, not {}", left.as_secs(), KEY_LIFETIME.as_secs())))
        }
        None => Err(Failure::permanent("the key was stored without its lifetime: sessions would never expire")),
    }
}

/// A wrong token must be refused. The right one was accepted a moment ago, so a refusal means that auth is on.
async fn wrong_token(connecting: &Connecting<'_>) -> Measurement {
    let wrong: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
    let attempt = connecting.open(&connecting.security, Some(&Secret::new(wrong)), REFUSAL_TIMEOUT).await;
    let (verdict, summary) = match attempt {
        Ok(_) => (Verdict::Abort, "the store accepts a wrong token: its auth is not on".to_owned()),
        // Everything but the token is as it was a moment ago, so this is the store's word on the token.
        Err(failure) if !failure.class.is_retryable() => (Verdict::Pass, "a wrong token is refused".to_owned()),
        Err(failure) => {
            (Verdict::Inconclusive, format!("whether a wrong token is refused could not be seen: {failure}"))
        }
    };
    connecting.measured(verdict, summary, serde_json::json!({ "check": "wrong token" }))
}

/// Plain text must get no answer. It is tried without the token, which must never travel in the clear; so "not
/// authenticated" is an answer, too.
async fn plain_text(connecting: &Connecting<'_>) -> Measurement {
    let answered = match connecting.open(&TransportSecurity::Plain, None, REFUSAL_TIMEOUT).await {
        Ok(mut session) => session.ping().await,
        Err(failure) => Err(failure),
    };
    // The control: that the path itself works, or silence would prove nothing.
    let control = match connecting.open_properly().await {
        Ok(mut session) => session.ping().await,
        Err(failure) => Err(failure),
    };
    let (verdict, summary) = match (answered, control) {
        (Ok(()), _) => (Verdict::Abort, "the store answers plain text: its TLS is not on".to_owned()),
        // Not silence, so somebody spoke: most likely to ask for a token.
        (Err(said), _) if !said.class.is_retryable() => {
            (Verdict::Abort, format!("the store answers plain text ({said}): its TLS is not on"))
        }
        (Err(_), Ok(())) => (Verdict::Pass, "plain text is refused".to_owned()),
        (Err(_), Err(failure)) => {
            (Verdict::Inconclusive, format!("whether plain text is refused could not be seen: {failure}"))
        }
    };
    connecting.measured(verdict, summary, serde_json::json!({ "check": "plain text" }))
}

/// Percentiles over round trips, one after the other.
async fn latency(
    connecting: &Connecting<'_>,
    session: &mut Box<dyn CacheSession>,
    samples: u32,
) -> Result<Measurement, Failure> {
    let clock = &connecting.context.ports.clock;
    for _ in 0..WARM_UP_PINGS {
        session.ping().await?;
    }
    let mut measured = Vec::new();
    for _ in 0..samples {
        let start = clock.elapsed();
        session.ping().await?;
        measured.push(clock.elapsed().saturating_sub(start));
    }
    let Some(summary) = LatencySummary::of(measured) else {
        return Ok(connecting.measured(
            Verdict::Inconclusive,
            "no round trip was measured".into(),
            serde_json::Value::Null,
        ));
    };
    let limit = connecting.context.rollout().cache.latency_p99;
    let staging = &connecting.context.rollout().staging.host;
    let milliseconds = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1_000.0);
    let numbers = format!(
        "p50 {}, p95 {}, p99 {}, max {}",
        milliseconds(summary.p50),
        milliseconds(summary.p95),
        milliseconds(summary.p99),
        milliseconds(summary.max)
    );
    let (verdict, words) = if summary.samples < MIN_SAMPLES {
        (
            Verdict::Inconclusive,
            format!(
                "{} round trips say nothing about a 99th percentile; set `samples:` to {MIN_SAMPLES} or more in phases/",
                summary.samples
            ),
        )
    } else if summary.p99 > limit.get() {
        (Verdict::Hold, format!("the 99th percentile from {staging} is over cache.latency_p99 ({limit}): {numbers}"))
    } else {
        (Verdict::Pass, format!("latency from {staging} over {} round trips: {numbers}", summary.samples))
    };
    Ok(connecting.measured(verdict, words, summary.to_json()))
}
