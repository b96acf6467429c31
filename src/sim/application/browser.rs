//! Browsers on simulated applications. An application knows its users by their cookie, and knows nothing else: what a
//! request expects is what it answers, unless a test says otherwise.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::answer;
use super::sessions::{Opened, SessionPlace, SimulatedSessions};
use super::site::{Applications, hand_sessions};
use super::store_loss::StoreLoss;
use super::trial;
use crate::core::Failure;
use crate::core::rollout::{IDENTITY, JourneyRequest, Method, Piece, pieces};
use crate::ports::Answer;
use crate::sim::cache::Stores;
use crate::sim::host::{Hosts, Process};
use crate::sim::paths::PathCuts;

/// How long a session lives in a store.
const SESSION_LIFETIME: Duration = Duration::from_secs(31 * 86_400);

/// The parts of the world that a visitor meets.
pub(in crate::sim) struct Visited<'a> {
    pub applications: &'a mut Applications,
    pub hosts: &'a Hosts,
    pub stores: &'a mut Stores,
    pub paths: &'a PathCuts,
    pub store_loss: &'a StoreLoss,
}

/// A user with a browser, on one application.
pub(in crate::sim) struct Visitor {
    pub endpoint: String,
    /// The key of the application.
    pub place: String,
    pub host: Option<String>,
    pub user: u32,
    pub cookies: BTreeMap<String, String>,
    pub extracted: BTreeMap<String, String>,
}

impl Visitor {
    /// What a request gets, with the sessions of the application beside which this one is tried, and as the loss of the
    /// store makes it.
    pub fn request(
        &mut self,
        site: &mut Visited<'_>,
        request: &JourneyRequest,
        now: Duration,
    ) -> Result<Answer, Failure> {
        let beside = site.applications.get(&self.place).and_then(|it| it.sessions.on_trial_beside.clone());
        if let Some(live) = &beside {
            hand_sessions(site.applications, live, &self.place);
        }
        let answer = self.visit(site, request, now);
        if let Some(live) = &beside {
            hand_sessions(site.applications, &self.place, live);
        }
        let answer = answer?;
        Ok(match site.applications.get(&self.place) {
            Some(it) => site.store_loss.mark(site.paths, &it.sessions.place, request, answer, now),
            None => answer,
        })
    }
}

impl Visitor {
    /// What a request gets from the application.
    fn visit(&mut self, site: &mut Visited<'_>, request: &JourneyRequest, now: Duration) -> Result<Answer, Failure> {
        let endpoint = self.endpoint.clone();
        let missing = || Process::missing(&endpoint);
        let is_tried = site.applications.get(&self.place).is_some_and(|it| it.sessions.on_trial_beside.is_some());
        let host = self.host.as_ref().filter(|_| self.place != self.endpoint).and_then(|host| site.hosts.get(host));
        let process = match host {
            Some(host) if is_tried => {
                Some(Process::listening(std::iter::once(host), &self.endpoint).ok_or_else(missing)?)
            }
            Some(host) => Process::of_service(host),
            None => Process::listening(site.hosts.values(), &self.endpoint),
        };
        let application = site.applications.get_mut(&self.place).ok_or_else(missing)?;
        let sessions = &mut application.sessions;
        let pid = sessions.next_worker(now, process.as_ref().map(|process| process.workers.len()));
        let (method, path) = match request.methods()[..] {
            [(method, _, path)] => (method, path.to_owned()),
            _ => return Err(Failure::permanent("a request has not exactly one method (simulated)")),
        };
        // The cookie is the session's id and its signature.
        let given = self.cookies.get(&sessions.cookie);
        let sid = given.map(|value| value.split('.').next().unwrap_or_default().to_owned());
        let sid = sid.filter(|sid| sessions.opened.contains_key(sid));
        let was_in_a_file = sid.as_ref().is_some_and(|sid| copy_to_store(site, &self.place, sid, now));
        let application = site.applications.get_mut(&self.place).ok_or_else(missing)?;
        let sessions = &mut application.sessions;
        if let Some(what) = path.strip_prefix("/__migrate__/") {
            if let (Method::Get, "settings", Some(process)) = (method, what, &process) {
                return Ok(trial::answer_settings(sessions, request, process));
            }
            let sid = match sid {
                // Values are put into a session, so there is one afterwards.
                None if (method, what) == (Method::Post, "types") && sessions.trial.is_some() => {
                    let sid = self.new_session(sessions);
                    sessions.opened.insert(sid.clone(), Opened::by(self.user));
                    Some(sid)
                }
                sid => sid,
            };
            let sid = sid.as_deref().map(|sid| (sid, was_in_a_file));
            return Ok(trial::answer_trial(sessions, request, (method, what), (pid, now), sid));
        }
        if sessions.fails || (sessions.fails_with_a_session && sid.is_some()) {
            return Ok(answer(500, "oh no", Some("500, expected below 400: `oh no`".to_owned())));
        }
        let (sid, is_new) = match sid {
            Some(sid) => (sid, false),
            None if method == Method::Get => {
                // As Flask-Session does with a cookie it does not know.
                self.cookies.remove(&sessions.cookie);
                return Ok(if request.expect.is_empty() && request.extract.is_empty() {
                    answer(200, "{}", None)
                } else if request.expect.status == Some(401) {
                    answer(401, "who are you?", None)
                } else {
                    answer(401, "who are you?", Some("401, expected below 400: `who are you?`".to_owned()))
                });
            }
            None => (self.new_session(sessions), true),
        };
        let problem = match sessions.opened.get(&sid) {
            Some(opened) if opened.user != self.user => Some(format!("taken for user {}", opened.user)),
            _ => sessions.broken.get(&request.title()).cloned(),
        };
        let problem = problem.or_else(|| sessions.misremembered(&sid, method, &path, pid));
        let names_workers = sessions.names_workers && sessions.trial.is_some();
        if is_new {
            open_session(site, &self.place, sid.clone(), self.user, now);
        }
        let application = site.applications.get_mut(&self.place).ok_or_else(missing)?;
        let told = self.data(&mut application.sessions, &sid, request, method);
        let expected = request.expect.status.unwrap_or(200);
        let mut given = answer(if problem.is_some() { 500 } else { expected }, "{}", problem.or(told));
        if application.sessions.signs_out.contains(&request.title()) {
            self.cookies.remove(&application.sessions.cookie);
            application.sessions.opened.remove(&sid);
        } else if application.sessions.renews_ids && !is_new {
            let renewed = self.new_session(&application.sessions);
            let opened = application.sessions.opened.remove(&sid);
            application.sessions.opened.extend(opened.map(|opened| (renewed, opened)));
        }
        if names_workers {
            given.headers.push(("x-migrate-sessions".to_owned(), format!("pid={pid}")));
        }
        Ok(given)
    }
}

impl Visitor {
    /// Writes into a session what a request extracts from the answer to a write, and tells it to one that reads. What is
    /// wrong, when something is expected that was written and is otherwise.
    fn data(
        &mut self,
        sessions: &mut SimulatedSessions,
        sid: &str,
        request: &JourneyRequest,
        method: Method,
    ) -> Option<String> {
        let served = sessions.served;
        let opened = sessions.opened.get_mut(sid)?;
        for name in request.extract.keys() {
            let value = match (method, name.as_str()) {
                (_, IDENTITY) => format!("user-{}", opened.user),
                (Method::Get, _) => {
                    opened.data.get(name).cloned().unwrap_or_else(|| format!("{name} of user-{}", opened.user))
                }
                _ => {
                    let value = format!("{name}-{served}");
                    opened.data.insert(name.clone(), value.clone());
                    value
                }
            };
            self.extracted.insert(name.clone(), value);
        }
        let texts = request.expected_texts();
        let inserted = texts.iter().filter_map(|(_, text)| pieces(text).ok()).flatten();
        let mut names = inserted.filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Text(_) => None,
        });
        names.find_map(|name| {
            let (found, expected) = (opened.data.get(name)?, self.extracted.get(name).cloned().unwrap_or_default());
            (*found != expected).then(|| format!("{name} is `{found}`, expected `{expected}`"))
        })
    }

    /// The id of a new session, whose cookie the browser has from now on.
    fn new_session(&mut self, sessions: &SimulatedSessions) -> String {
        let sid = format!("{}-{}", self.place.replace([':', '.', ' '], "-"), sessions.served);
        self.cookies.insert(sessions.cookie.clone(), format!("{sid}.signature"));
        sid
    }
}

/// Keeps a new session where the application keeps its sessions.
fn open_session(site: &mut Visited<'_>, endpoint: &str, sid: String, user: u32, now: Duration) {
    let Some(application) = site.applications.get_mut(endpoint) else { return };
    let sessions = &mut application.sessions;
    let opened = Opened { is_only_in_a_file: sessions.place == SessionPlace::Files, ..Opened::by(user) };
    sessions.opened.insert(sid.clone(), opened.clone());
    let (place, key) = (sessions.place.clone(), format!("{}{sid}", sessions.prefix));
    let other = sessions.spills_into.clone();
    if let Some(other) = other.and_then(|other| site.applications.get_mut(&other)) {
        other.sessions.opened.insert(sid, opened);
    }
    if let Some(server) = store_of(site.stores, &place).and_then(|store| site.stores.get_mut(&store)) {
        server.put(&key, b"session", now + SESSION_LIFETIME);
    }
}

/// Copies a session to the store that only a file has, as the bridge does when it is asked for. Whether it did.
fn copy_to_store(site: &mut Visited<'_>, endpoint: &str, sid: &str, now: Duration) -> bool {
    let Some(application) = site.applications.get_mut(endpoint) else { return false };
    let sessions = &mut application.sessions;
    let (place, key) = (sessions.place.clone(), format!("{}{sid}", sessions.prefix));
    let opened = sessions.opened.get_mut(sid).filter(|opened| opened.is_only_in_a_file && place != SessionPlace::Files);
    let Some(opened) = opened else { return false };
    opened.is_only_in_a_file = false;
    if let Some(server) = store_of(site.stores, &place).and_then(|store| site.stores.get_mut(&store)) {
        server.put(&key, b"session", now + SESSION_LIFETIME);
    }
    true
}

/// The endpoint of the store that a place means, when there is one.
fn store_of(stores: &Stores, place: &SessionPlace) -> Option<String> {
    match place {
        SessionPlace::Files => None,
        SessionPlace::Store(endpoint) => Some(endpoint.clone()),
        SessionPlace::Cluster => stores.keys().find(|endpoint| !endpoint.starts_with("127.")).cloned(),
    }
}
