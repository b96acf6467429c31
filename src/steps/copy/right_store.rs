//! `right_store_proof`: a session opened on the copy is on this store, on no other, and not with the original.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::core::rollout::Rollout;
use crate::core::{Contract, Facts, Failure, Input, Measurement, Verdict};
use crate::ports::{CacheSession, Endpoint, Route, TransportSecurity};
use crate::steps::measure::{failure_of, measurement};
use crate::steps::site::copy_access::Trial;
use crate::steps::site::session_on_store;
use crate::steps::site::session_on_store::{CookieName, Wanted};
use crate::steps::site::{copy_access, copy_layout, original_session};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// How long a store on the host itself may take: it replies at once, or it does not exist.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Where a store stands that nobody configured: what Flask-Session falls back to, with no more than a warning.
const LOCAL: (&str, u16) = ("127.0.0.1", 6379);
/// The user who opens the session.
const USER: u32 = 1;

/// Opens a session on the copy and looks where it is.
pub struct RightStoreProof(Settings);

/// What a `right_store_proof` step is told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The store, as `host:port`.
    endpoint: Input<String>,
    /// The run id of the server that the connection test used.
    run_id: Input<String>,
    /// What the keys of the copy begin with.
    prefix: Input<String>,
}

impl Kind for RightStoreProof {
    type Settings = Settings;
    const NAME: &'static str = "right_store_proof";
    const SUMMARY: &'static str = "finds a session opened on the copy on this store and no other";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

#[async_trait]
impl Observe for RightStoreProof {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let port = rollout.staging.copy.port;
        Diff::one(
            DiffAction::Read,
            format!(
                "where a session is that is opened on port {port} of staging: on this store, on no other, not with the original"
            ),
        )
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let trial = Trial::of(context).await?;
        let cookie = copy_layout::cookie_name(context.rollout());
        let opened = match session_on_store::open(context, &trial, USER, CookieName::Ours(&cookie)).await? {
            Ok(opened) => opened,
            Err(found) => return Ok(concluded(vec![found])),
        };
        let prefix = self.0.prefix.text(context.facts)?;
        let wanted = Wanted {
            endpoint: self.0.endpoint.text(context.facts)?.parse()?,
            run_id: Some(self.0.run_id.text(context.facts)?),
            key: format!("{prefix}{}", opened.sid),
            prefix,
        };
        let (elsewhere, is_elsewhere) = on_no_other(context, &wanted).await;
        let host = &context.rollout().staging.host;
        let mut measurements = vec![
            session_on_store::as_said(&trial, &wanted, &opened),
            session_on_store::on_this_store(context, &trial, host, &wanted, is_elsewhere).await?,
            elsewhere,
        ];
        measurements.push(original_session::unknown_to_the_original(context, USER, &opened.cookie).await?);
        Ok(concluded(measurements))
    }
}

fn concluded(measurements: Vec<Measurement>) -> Observation {
    let hint = "the copy is not ready to be compared: `migrate rollback` takes it down; the original is as it was";
    Observation { facts: Facts::new(), failure: failure_of(&measurements, hint), measurements }
}

fn measured(context: &ReadContext<'_>, verdict: Verdict, summary: String, data: serde_json::Value) -> Measurement {
    measurement(verdict, copy_access::resource(context.rollout()), summary, data)
}

/// Whether the session is also, or only, on a store of the host itself; and whether it is.
async fn on_no_other(context: &ReadContext<'_>, wanted: &Wanted) -> (Measurement, bool) {
    let local = Endpoint { host: LOCAL.0.to_owned(), port: LOCAL.1 };
    let route = Route::Through(context.rollout().staging.host.clone());
    // Without the token: it is not for a server that nobody knows.
    let connect = context.ports.cache.connect(&route, &local, &TransportSecurity::Plain, None, LOCAL_TIMEOUT);
    let seen = match connect.await {
        Ok(session) => look_around(session, &wanted.key).await,
        Err(failure) if failure.class.is_retryable() => Local::Nothing,
        Err(failure) => Local::Closed(failure.message),
    };
    let (verdict, words) = match &seen {
        Local::Nothing => (Verdict::Pass, format!("no other store answers on {local} of staging")),
        // Somebody else's, who may not be read: the session was found where it belongs.
        Local::Closed(why) => (Verdict::Pass, format!("the store on {local} of staging refuses connections ({why})")),
        Local::Open { run_id, .. } if Some(run_id) == wanted.run_id.as_ref() => (
            Verdict::Abort,
            format!("{} is a store on staging itself: {local} is the same server ({run_id})", wanted.endpoint),
        ),
        Local::Open { has_key: true, run_id } => {
            (Verdict::Abort, format!("the copy's session is on {local} of staging, another server ({run_id})"))
        }
        Local::Open { .. } => (Verdict::Pass, format!("the session is not on the other store, {local} of staging")),
    };
    let is_elsewhere = matches!(&seen, Local::Open { has_key: true, .. });
    (measured(context, verdict, words, json!({ "endpoint": local.to_string() })), is_elsewhere)
}

/// What is on the host's own port for stores.
enum Local {
    Nothing,
    /// Something that does not let us look.
    Closed(String),
    Open {
        run_id: String,
        has_key: bool,
    },
}

async fn look_around(mut session: Box<dyn CacheSession>, key: &str) -> Local {
    let looked = async {
        let server = session.identity().await?;
        Ok::<_, Failure>(Local::Open { run_id: server.run_id, has_key: session.get(key).await?.is_some() })
    };
    looked.await.unwrap_or_else(|failure| Local::Closed(failure.message))
}
