//! One user whose every answer is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::timeout;

use super::fault::Fault;
use super::head;
use super::mind::{Mind, Surroundings};
use super::script::{Site, compile_request};
use super::template::Names;
use super::way::Way;
use crate::adapters::ssh::Hosts;
use crate::core::{Failure, Secret, rollout::JourneyRequest};
use crate::ports::{Answer, Browser, BrowserCookie, Browsers, ErrorKind, LoadTarget};

/// How long an answer may take, redirects included.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest body that is read.
const LARGEST_BODY: usize = 32 << 20;

/// So much of a body is kept; what expectations and extractions look at is all of it.
const LONGEST_TEXT: usize = 1 << 20;

/// Browsers over plain HTTP/1.1, on what the users of a load are made of.
pub struct HttpBrowsers {
    hosts: Option<Arc<Hosts>>,
}

impl HttpBrowsers {
    /// Goes through the connections of these hosts where a target's route says so.
    pub fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts: Some(hosts) }
    }

    /// Only from this machine.
    pub fn direct() -> Self {
        Self { hosts: None }
    }
}

#[async_trait]
impl Browsers for HttpBrowsers {
    async fn open(
        &self,
        target: &LoadTarget,
        user: u32,
        cookies: Vec<BrowserCookie>,
    ) -> Result<Box<dyn Browser>, Failure> {
        let way = Arc::new(Way::to(target, self.hosts.as_deref()).await?);
        let mut mind = Mind::of(user);
        mind.begin(1, 0);
        for cookie in cookies {
            mind.jar.take_up(cookie.name, cookie.value.expose().to_owned(), cookie.path);
        }
        let (name, site) = (target.name.clone(), Site::of(target));
        Ok(Box::new(HttpBrowser { name, site, way, mind, names: Names::default(), nonces: fastrand::Rng::new() }))
    }
}

struct HttpBrowser {
    /// What the target is called.
    name: String,
    site: Site,
    way: Arc<Way>,
    mind: Mind,
    names: Names,
    nonces: fastrand::Rng,
}

#[async_trait]
impl Browser for HttpBrowser {
    async fn request(&mut self, request: &JourneyRequest) -> Result<Answer, Failure> {
        let title = request.title();
        let compiled = compile_request(request, 0, &self.site, &mut self.names).map_err(|why| {
            Failure::permanent(format!("`{title}` cannot be sent: {why}"))
                .hint("run `migrate check`: it says where in rollout.yaml")
        })?;
        self.mind.values.extracted.resize(self.names.count(), None);
        self.mind.new_nonce(&mut self.nonces);
        let around = Surroundings {
            way: &self.way,
            site: &self.site,
            largest_body: LARGEST_BODY,
            is_everything_wanted: true,
            answered_by: None,
        };
        let outcome = match timeout(PATIENCE, self.mind.perform(&compiled, &around)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Fault::new(ErrorKind::Timeout, format!("no answer within {} s", PATIENCE.as_secs()))),
        };
        let problem = match outcome {
            Ok(_) => None,
            Err(fault) if is_of_the_answer(fault.kind) => Some(fault.words),
            Err(fault) => {
                // Nobody knows where in an answer it is.
                self.mind.connection.close();
                return Err(self.without_an_answer(&title, &fault));
            }
        };
        Ok(self.answer(problem))
    }

    fn cookies(&self) -> Vec<BrowserCookie> {
        let cookies = self.mind.jar.all().map(|(name, value, path)| BrowserCookie {
            name: name.to_owned(),
            value: Secret::new(value.to_owned()),
            path: path.to_owned(),
        });
        cookies.collect()
    }

    fn extracted(&self) -> BTreeMap<String, Secret> {
        let named = self.names.all().zip(&self.mind.values.extracted);
        named.filter_map(|(name, value)| Some((name.to_owned(), Secret::new(value.clone()?)))).collect()
    }

    fn recall(&mut self, extracted: &BTreeMap<String, Secret>) {
        for (name, value) in extracted {
            let place = self.names.place(name);
            let values = &mut self.mind.values.extracted;
            values.resize(self.names.count().max(values.len()), None);
            if let Some(known) = values.get_mut(place) {
                *known = Some(value.expose().to_owned());
            }
        }
    }
}

impl HttpBrowser {
    fn without_an_answer(&self, title: &str, fault: &Fault) -> Failure {
        let message = format!("{}: `{title}` got no answer: {}: {}", self.name, fault.kind, fault.words);
        match fault.kind {
            ErrorKind::Protocol | ErrorKind::BodyTooLarge => Failure::permanent(message),
            _ => Failure::transient(message),
        }
    }

    /// The last answer as it came in.
    fn answer(&self, problem: Option<String>) -> Answer {
        let last = &self.mind.answer;
        let mut body = last.body.as_slice();
        if body.len() > LONGEST_TEXT {
            body = &body[..LONGEST_TEXT];
        }
        Answer {
            status: last.status,
            headers: head::all_but_cookies(&last.head),
            body: String::from_utf8_lossy(body).into_owned(),
            problem,
        }
    }
}

/// Whether there was an answer, only not the expected one.
fn is_of_the_answer(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Status | ErrorKind::Expectation | ErrorKind::Extraction | ErrorKind::Identity | ErrorKind::Redirect
    )
}

impl Drop for HttpBrowser {
    fn drop(&mut self) {
        // A forward stays open on the ssh connection until it is taken down, which takes a round trip.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let way = self.way.clone();
            runtime.spawn(async move { way.close().await });
        }
    }
}
