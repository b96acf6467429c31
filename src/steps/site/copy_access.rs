//! Talking to the copy, to the original in the same way, and to production.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{copy_layout, release_layout};
use crate::core::rollout::{AbsolutePath, JourneyRequest, Method, Port, ProductionTarget, Rollout, STAGING, SshHost};
use crate::core::{Failure, Secret};
use crate::ports::{Browser, BrowserCookie, Endpoint, LoadTarget, Route, TransportSecurity};
use crate::steps::ReadContext;

/// The header that opens the trial endpoints.
const TOKEN_HEADER: &str = "X-Migrate-Trial";

/// The maximum length of the quoted part of an answer, in characters.
const MAX_QUOTED: usize = 120;

/// The original on staging. It is reached as the copy is, or a comparison of the two would compare the ways.
pub fn original(rollout: &Rollout) -> LoadTarget {
    on_staging("the original", rollout.application.port, rollout)
}

/// The copy.
pub fn copy(rollout: &Rollout) -> LoadTarget {
    on_staging("the copy", rollout.staging.copy.port, rollout)
}

/// What a measurement of the copy was made on.
pub fn resource(rollout: &Rollout) -> String {
    format!("{STAGING}:{}", rollout.staging.copy.port)
}

/// The application on a production target: at its own port, past the load balancer.
pub fn production(rollout: &Rollout, target: &ProductionTarget) -> LoadTarget {
    on(target.name.as_str(), &target.host, rollout.application.port)
}

fn on_staging(name: &str, port: Port, rollout: &Rollout) -> LoadTarget {
    on(name, &rollout.staging.host, port)
}

fn on(name: &str, host: &SshHost, port: Port) -> LoadTarget {
    LoadTarget {
        name: name.to_owned(),
        endpoint: Endpoint { host: "127.0.0.1".to_owned(), port: port.number() },
        route: Route::Through(host.clone()),
        security: TransportSecurity::Plain,
        host_header: None,
    }
}

/// The process's own words about a session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SessionSaid {
    /// The full key of the request's session.
    pub key: Option<String>,
    /// Where it was read from: `redis`, `old` or `none`.
    pub read: String,
}

/// Which values were put into a session, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TypesWritten {
    /// The worker.
    pub pid: u32,
    /// The values' names.
    pub names: Vec<String>,
}

/// How the values came back.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TypesRead {
    /// The worker.
    pub pid: u32,
    /// Names of values that did not.
    pub missing: Vec<String>,
    /// Values that are something else now.
    pub wrong: Vec<WrongValue>,
    /// Names of values that are the same, by type and value.
    pub right: Vec<String>,
}

/// A value that is something else than it was.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct WrongValue {
    /// Its name.
    pub name: String,
    /// What it was.
    pub expected: String,
    /// What it is.
    pub found: String,
}

/// Who was asked to restart.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RestartAsked {
    /// The master.
    pub master: u32,
}

/// The copy, or a release that is live on a production target, with what it takes to use its trial endpoints.
pub struct Trial<'a> {
    context: &'a ReadContext<'a>,
    target: LoadTarget,
    token: Secret,
    /// What a measurement is said to be made on.
    resource: String,
    token_file: String,
    /// What starts it anew.
    begin_anew: &'static str,
    /// Where it says what went wrong.
    look_into: &'static str,
}

impl<'a> Trial<'a> {
    /// The copy's: reads the token on staging.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of(context: &'a ReadContext<'a>) -> Result<Self, Failure> {
        let rollout = context.rollout();
        let directory = &rollout.staging.copy.directory;
        Ok(Self {
            context,
            target: copy(rollout),
            token: token(context, &rollout.staging.host, directory, copy_layout::TRIAL_TOKEN).await?,
            resource: resource(rollout),
            token_file: format!("{directory}/{}", copy_layout::TRIAL_TOKEN),
            begin_anew: "run `migrate rollback`, then the phase again: it starts the copy again",
            look_into: "look into the copy's error log, `.migrate/error.log` in its directory",
        })
    }

    /// Those of the release that is live on a production target: reads the token below the live path.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn of_production(context: &'a ReadContext<'a>, target: &ProductionTarget) -> Result<Self, Failure> {
        let directory = &context.rollout().application.directory;
        Ok(Self {
            context,
            target: production(context.rollout(), target),
            token: token(context, &target.host, directory, release_layout::TRIAL_TOKEN).await?,
            resource: target.name.to_string(),
            token_file: format!("{directory}/{}", release_layout::TRIAL_TOKEN),
            begin_anew: "`migrate rollback --to 3` restores the previous release; then the phase again",
            look_into: "look into the application's own log on that host",
        })
    }

    /// Those of a release on trial, in its own directory and on a port of its own.
    ///
    /// # Errors
    /// When the token cannot be read.
    pub async fn of_release(
        context: &'a ReadContext<'a>,
        target: &ProductionTarget,
        directory: &AbsolutePath,
        port: Port,
    ) -> Result<Self, Failure> {
        Ok(Self {
            context,
            target: on(target.name.as_str(), &target.host, port),
            token: token(context, &target.host, directory, release_layout::TRIAL_TOKEN).await?,
            resource: target.name.to_string(),
            token_file: format!("{directory}/{}", release_layout::TRIAL_TOKEN),
            begin_anew: "`migrate rollback --to 3`, then the phase again: it builds the release again",
            look_into: "look into `.migrate/trial-error.log` in the release's directory",
        })
    }

    /// As [`Trial::of_production`]; `None` when no release of ours is live there, as before a switch and after the way
    /// back.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub async fn if_live(context: &'a ReadContext<'a>, target: &ProductionTarget) -> Result<Option<Self>, Failure> {
        let directory = &context.rollout().application.directory;
        let reader = context.ports.targets.reader(&target.host);
        let found = reader.files(directory, &[release_layout::TRIAL_TOKEN.to_owned()]).await?;
        match found.into_iter().flatten().next() {
            Some(_) => Self::of_production(context, target).await.map(Some),
            None => Ok(None),
        }
    }

    /// What it is called: `the copy`, or the target's name.
    pub fn name(&self) -> &str {
        &self.target.name
    }

    /// Where it listens.
    pub fn site(&self) -> &LoadTarget {
        &self.target
    }

    /// What a measurement of it was made on.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// A browser on it, on a connection of its own.
    pub async fn open(&self, user: u32, cookies: Vec<BrowserCookie>) -> Result<Box<dyn Browser>, Failure> {
        self.context.ports.browsers.open(&self.target, user, cookies).await
    }

    /// Asks a trial endpoint in a browser's session.
    ///
    /// # Errors
    /// When there is no answer, or not the one it has to be.
    pub async fn ask<T: DeserializeOwned>(
        &self,
        browser: &mut dyn Browser,
        method: Method,
        what: &str,
    ) -> Result<T, Failure> {
        let path = format!("/__migrate__/{what}");
        let mut request = JourneyRequest::default();
        request.headers.insert(TOKEN_HEADER.to_owned(), self.token.expose().to_owned());
        match method {
            Method::Post => request.post = Some(path.clone()),
            _ => request.get = Some(path.clone()),
        }
        let answer = browser.request(&request).await?;
        let asked = format!("{} {path} of {}", method.as_str(), self.target.name);
        if answer.status == 404 {
            return Err(Failure::permanent(format!(
                "{asked} is not found: its trial endpoints are off, or it was started with another token than the one in {}",
                self.token_file
            ))
            .hint(self.begin_anew));
        }
        let quoted: String =
            answer.body.chars().take(MAX_QUOTED).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if answer.status != 200 {
            return Err(
                Failure::permanent(format!("{asked} answers {}: `{quoted}`", answer.status)).hint(self.look_into)
            );
        }
        serde_json::from_str(&answer.body).map_err(|error| {
            Failure::permanent(format!("{asked} does not answer as it should ({error}): `{quoted}`"))
                .hint("another program listens on that port, or the bridge is not this version's")
        })
    }
}

/// A trial token, where it is kept.
async fn token(
    context: &ReadContext<'_>,
    host: &SshHost,
    directory: &AbsolutePath,
    path: &str,
) -> Result<Secret, Failure> {
    context.ports.targets.reader(host).private_file(directory, path).await
}
