//! A session that is opened now, on the copy or on a release, and whether it is where it has to be: under the prefix that
//! was set, on this store.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::copy_access::{SessionSaid, Trial};
use super::store_access;
use crate::core::rollout::{IDENTITY, Method, SshHost};
use crate::core::{Failure, Measurement, Secret, Verdict};
use crate::ports::{BrowserCookie, Endpoint, Route};
use crate::steps::ReadContext;
use crate::steps::measure::measurement;

/// How long a connection to a store may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A session, as its browser and the process itself have it.
pub struct Opened {
    /// The session cookie's value.
    pub cookie: Secret,
    /// The session's id: the cookie's value, less its signature.
    pub sid: String,
    /// The process's own words.
    pub said: SessionSaid,
}

/// What is to be found, and where.
pub struct Wanted {
    /// The store.
    pub endpoint: Endpoint,
    /// Which server that was when it was tested, when it is known.
    pub run_id: Option<String>,
    /// What the key has to begin with.
    pub prefix: String,
    /// The key.
    pub key: String,
}

/// What the session cookie is called.
#[derive(Debug, Clone, Copy)]
pub enum CookieName<'a> {
    /// As we had it called.
    Ours(&'a str),
    /// As the application always called it: it is the one that holds the session's id.
    Applications,
}

fn sid_of(cookie: &BrowserCookie) -> &str {
    cookie.value.expose().split('.').next().unwrap_or_default()
}

impl CookieName<'_> {
    fn is_it(self, cookie: &BrowserCookie, said: &SessionSaid) -> bool {
        match self {
            Self::Ours(name) => cookie.name == name,
            Self::Applications => {
                let sid = sid_of(cookie);
                !sid.is_empty() && said.key.as_deref().is_some_and(|key| key.ends_with(sid))
            }
        }
    }
}

/// Walks the first journey until there is a session in which the user is known, or says why there is none.
///
/// # Errors
/// When there is no answer, or the trial endpoints do not answer as they should.
pub async fn open(
    context: &ReadContext<'_>,
    trial: &Trial<'_>,
    user: u32,
    cookie: CookieName<'_>,
) -> Result<Result<Opened, Measurement>, Failure> {
    let name = trial.name();
    let measured = |verdict: Verdict, words: String, data| Ok(Err(measurement(verdict, trial.resource(), words, data)));
    let Some(journey) = context.rollout().journeys.first() else {
        let words = "no session can be opened: rollout.yaml declares no `journeys`".to_owned();
        return measured(Verdict::Inconclusive, words, json!({}));
    };
    let mut browser = trial.open(user, Vec::new()).await?;
    // A session may be there before anybody has logged in: with that one the original could not be asked.
    let known_at = journey.requests.iter().position(|request| request.extract.contains_key(IDENTITY)).unwrap_or(0);
    let (mut said, mut names) = (None, BTreeSet::new());
    for (at, request) in journey.requests.iter().enumerate() {
        let answer = browser.request(request).await?;
        if let Some(problem) = answer.problem {
            let words = format!("{name} fails `{}/{}`: {problem}", journey.name, request.title());
            return measured(Verdict::Abort, words, json!({ "status": answer.status }));
        }
        let now: SessionSaid = trial.ask(&mut *browser, Method::Get, "session").await?;
        let value = browser.cookies().into_iter().find(|kept| cookie.is_it(kept, &now));
        let is_stored = now.key.is_some() && now.read == "redis" && at >= known_at;
        // Whoever signs out at the end has no session then.
        if now.key.is_some() || said.is_none() {
            said = Some(now.clone());
        }
        names.extend(browser.cookies().into_iter().map(|kept| kept.name));
        if let Some(kept) = value.filter(|_| is_stored) {
            let sid = sid_of(&kept).to_owned();
            return Ok(Ok(Opened { cookie: kept.value, sid, said: now }));
        }
    }
    let names: Vec<String> = names.into_iter().collect();
    let set = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let words = match (said, cookie) {
        (Some(said), CookieName::Ours(cookie)) if said.key.is_some() && said.read == "redis" => format!(
            "{name} has a session but sets no cookie `{cookie}` (it sets {set}): it does not use its own cookie name"
        ),
        (Some(said), CookieName::Applications) if said.key.is_some() && said.read == "redis" => {
            format!("{name} names the key of a session whose id none of its cookies has (it sets {set})")
        }
        (Some(said), _) if said.key.is_some() => {
            format!("{name} reads its session from `{}`, not from the store: it does not reach the store", said.read)
        }
        _ => format!("the journey `{}` opens no session on {name}: no key was ever there", journey.name),
    };
    measured(Verdict::Abort, words, json!({ "cookies": names }))
}

/// Whether the process's own account of its session fits its cookie.
pub fn as_said(trial: &Trial<'_>, wanted: &Wanted, opened: &Opened) -> Measurement {
    let name = trial.name();
    let said = opened.said.key.as_deref().unwrap_or_default();
    // A session's id is as good as a password: only what stands before it is shown.
    let (verdict, words) = match said.strip_suffix(opened.sid.as_str()) {
        Some(prefix) if prefix == wanted.prefix => {
            (Verdict::Pass, format!("{name} keeps its sessions under `{}`", wanted.prefix))
        }
        Some(prefix) => (
            Verdict::Abort,
            format!(
                "{name} keeps its sessions under `{prefix}`, not under `{}`: a variable of its environment is not read, or not what it says",
                wanted.prefix
            ),
        ),
        None => (Verdict::Abort, format!("{name} names the key of another session than its cookie does")),
    };
    measurement(verdict, trial.resource(), words, json!({ "prefix": wanted.prefix }))
}

/// Whether the key is on the store, as it is reached from a host, and whether that is the server that was tested.
///
/// # Errors
/// When the store cannot be reached.
pub async fn on_this_store(
    context: &ReadContext<'_>,
    trial: &Trial<'_>,
    host: &SshHost,
    wanted: &Wanted,
    is_elsewhere: bool,
) -> Result<Measurement, Failure> {
    let name = trial.name();
    let token = context.ports.secrets.auth_token(&context.rollout().cache.auth).await?;
    let route = Route::Through(host.clone());
    let security = store_access::security(context);
    let connect = context.ports.cache.connect(&route, &wanted.endpoint, &security, token.as_ref(), CONNECT_TIMEOUT);
    let mut session = connect.await?;
    let server = session.identity().await?;
    let is_there = session.get(&wanted.key).await?.is_some();
    let (endpoint, prefix) = (&wanted.endpoint, &wanted.prefix);
    let tested = wanted.run_id.as_ref().unwrap_or(&server.run_id);
    let (verdict, words) = match (server.run_id == *tested, is_there) {
        (true, true) => (Verdict::Pass, format!("a session opened on {name} is on {endpoint} under `{prefix}`")),
        (false, _) => (
            Verdict::Abort,
            format!(
                "{endpoint} is another server than the one that was tested: its run id is {}, it was {tested}",
                server.run_id
            ),
        ),
        (true, false) if is_elsewhere => {
            (Verdict::Abort, format!("{name} is on the wrong store: its session is not on {endpoint}"))
        }
        (true, false) => (
            Verdict::Abort,
            format!(
                "{name}'s session is not on {endpoint} under `{prefix}`: it writes to another store than its environment says"
            ),
        ),
    };
    let data = json!({ "run_id": server.run_id, "expected_run_id": wanted.run_id, "found": is_there });
    Ok(measurement(verdict, endpoint.to_string(), words, data))
}
