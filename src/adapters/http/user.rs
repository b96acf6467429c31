//! One simulated user.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::check::check;
use super::connection::{Answer, Connection, Wanted};
use super::fault::Fault;
use super::jar::Jar;
use super::recorder::Recorder;
use super::redirect;
use super::schedule::{Moments, arrival, mix};
use super::script::{CompiledRequest, Script};
use super::stream::Way;
use super::template::Values;
use super::watchdog::Watchdog;
use crate::core::rollout::Method;
use crate::ports::{ErrorKind, LoadPlan};

/// The timer ticks once a millisecond. A user who wakes up this much late was not held up by the application.
const TICK: Duration = Duration::from_millis(2);

/// People do not try to connect again at once.
const AFTER_NO_CONNECTION: Duration = Duration::from_millis(500);

/// What all users of a load share.
pub(super) struct Run {
    pub script: Script,
    pub way: Way,
    pub plan: LoadPlan,
    pub recorders: Vec<Recorder>,
    pub began: Instant,
}

/// A user: number, cookies, connection.
pub(super) struct User {
    run: Arc<Run>,
    /// From 0.
    position: u32,
    choices: fastrand::Rng,
    nonces: fastrand::Rng,
    iteration: u64,
    watchdog: Watchdog,
    mind: Mind,
}

/// What a user has in front of them during a request.
struct Mind {
    values: Values,
    jar: Jar,
    connection: Connection,
    answer: Answer,
    path: String,
    body: Vec<u8>,
    request: Vec<u8>,
    identity: Option<String>,
}

impl User {
    /// The user at a position, from 0.
    pub fn new(run: Arc<Run>, position: u32) -> Self {
        let seed = run.plan.seed;
        let number = run.plan.first_user.saturating_add(position);
        let mind = Mind {
            values: Values { user: number.to_string(), ..Values::default() },
            jar: Jar::default(),
            connection: Connection::default(),
            answer: Answer::default(),
            path: String::new(),
            body: Vec::new(),
            request: Vec::new(),
            identity: None,
        };
        Self {
            position,
            choices: fastrand::Rng::with_seed(mix(seed, position, 2)),
            nonces: fastrand::Rng::with_seed(mix(seed, position, 3)),
            iteration: 0,
            watchdog: Watchdog::new(run.plan.timeout),
            mind,
            run,
        }
    }

    /// Does journeys until the time is up.
    pub async fn live(mut self) {
        let run = self.run.clone();
        let end = run.began + run.plan.duration;
        let Some(moments) = Moments::of(&run.plan, self.position) else {
            let mut due = self.wait_until(run.began + arrival(&run.plan, self.position)).await;
            while due < end {
                due = self.journey(due, end).await;
            }
            return;
        };
        for moment in moments {
            let mut due = run.began + moment;
            let now = Instant::now();
            if due > now {
                due = self.wait_until(due).await;
            } else if now > end + run.plan.timeout {
                let journey = &run.script.journeys[self.choose()];
                let number = journey.requests.first().map_or(0, |request| request.number);
                self.recorder().open().unsent(number, now - due);
                continue;
            }
            self.journey(due, end).await;
        }
    }

    fn recorder(&self) -> &Recorder {
        // One for each processor, at least one.
        &self.run.recorders[self.position as usize % self.run.recorders.len()]
    }

    /// Waits. What follows is measured from the moment it was due, unless the timer's tick alone made it late.
    async fn wait_until(&self, due: Instant) -> Instant {
        tokio::time::sleep_until(due.into()).await;
        let now = Instant::now();
        let lag = now.saturating_duration_since(due);
        self.recorder().open().lag(lag);
        if lag <= TICK { now } else { due }
    }

    /// The position of the next journey, by the weights.
    fn choose(&mut self) -> usize {
        let script = &self.run.script;
        let mut ticket = if script.journeys.len() > 1 { self.choices.u32(0..script.weight) } else { 0 };
        let mut weights = script.journeys.iter().map(|journey| journey.weight);
        let chosen = weights.position(|weight| match ticket.checked_sub(weight) {
            Some(rest) => {
                ticket = rest;
                false
            }
            None => true,
        });
        chosen.unwrap_or(0)
    }

    /// One journey, its first request due at `due`. Gives back when the next one is due.
    async fn journey(&mut self, mut due: Instant, end: Instant) -> Instant {
        let run = self.run.clone();
        self.iteration += 1;
        let journey = &run.script.journeys[self.choose()];
        self.mind.begin(self.iteration, journey.variables);
        for (position, request) in journey.requests.iter().enumerate() {
            if position > 0 && due >= end {
                // The time is up: neither complete nor failed.
                return due;
            }
            self.mind.new_nonce(&mut self.nonces);
            let outcome = match self.watchdog.within(self.mind.perform(request, &run)).await {
                Some(outcome) => outcome,
                None => Err(Fault::new(ErrorKind::Timeout, format!("no answer within {:?}", run.plan.timeout))),
            };
            let over = Instant::now();
            self.record(request, over - due, &outcome);
            if let Err(fault) = outcome {
                self.mind.connection.close();
                self.recorder().open().journey(false);
                let pause = if fault.kind == ErrorKind::Connect { AFTER_NO_CONNECTION } else { Duration::ZERO };
                return self.pause(over, pause.max(request.think), end).await;
            }
            due = self.pause(over, request.think, end).await;
        }
        self.recorder().open().journey(true);
        due
    }

    /// Thinks, but not beyond the end.
    async fn pause(&self, from: Instant, think: Duration, end: Instant) -> Instant {
        if think.is_zero() {
            return from;
        }
        let due = from + think;
        if due >= end { end } else { self.wait_until(due).await }
    }

    fn record(&mut self, request: &CompiledRequest, latency: Duration, outcome: &Result<u16, Fault>) {
        let connection = &mut self.mind.connection;
        let (sent, received, opened) = (connection.sent, connection.received, connection.opened);
        (connection.sent, connection.received, connection.opened) = (0, 0, 0);
        let number = self.run.plan.first_user.saturating_add(self.position);
        let mut counts = self.run.recorders[self.position as usize % self.run.recorders.len()].open();
        counts.request(request.number, latency, outcome);
        counts.sent += sent;
        counts.received += received;
        counts.connections += opened;
        if let (Some(identity), true) = (&self.mind.identity, request.extract.iter().any(|e| e.is_identity)) {
            counts.identity(number, identity);
        }
    }
}

impl Mind {
    fn begin(&mut self, iteration: u64, variables: usize) {
        self.values.iteration.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.values.iteration, "{iteration}");
        self.values.extracted.clear();
        self.values.extracted.resize(variables, None);
        self.identity = None;
    }

    fn new_nonce(&mut self, random: &mut fastrand::Rng) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut number = random.u64(..);
        self.values.nonce.clear();
        for _ in 0..16 {
            self.values.nonce.push(char::from(DIGITS[(number & 15) as usize]));
            number >>= 4;
        }
    }

    /// One request with its redirects: the status, or what went wrong.
    async fn perform(&mut self, request: &CompiledRequest, run: &Run) -> Result<u16, Fault> {
        self.body.clear();
        self.request.clear();
        request.write_path(&self.values, &mut self.request);
        self.path.clear();
        self.path.push_str(&String::from_utf8_lossy(&self.request));
        let mut content_type = request.write_body(&self.values, &mut self.body);
        let mut method = request.method;
        let wanted = Wanted {
            head: request.needs_headers(),
            body: request.needs_body(),
            largest_body: run.plan.largest_body,
            is_repeatable: method != Method::Post,
        };
        for _ in 0..=redirect::MOST {
            self.write(request, method, content_type, run);
            let Self { connection, answer, jar, path, request: bytes, .. } = self;
            let script = &run.script;
            let store = |header: &[u8]| jar.store(header, &script.host, path, script.is_secure);
            connection.exchange(&run.way, bytes, wanted, answer, store).await?;
            let next = self.answer.location.as_ref().zip(redirect::next_method(self.answer.status, method));
            let Some((location, next)) = next.filter(|_| !request.expects_redirect()) else {
                return self.judge(request);
            };
            self.path = redirect::next_path(location, &self.path, &script.authority, script.is_secure)?;
            if next != method {
                self.body.clear();
                content_type = None;
                method = next;
            }
        }
        Err(Fault::new(ErrorKind::Redirect, format!("more than {} redirects", redirect::MOST)))
    }

    fn judge(&mut self, request: &CompiledRequest) -> Result<u16, Fault> {
        let status = self.answer.status;
        let found = check(request, &self.answer, &self.jar, &mut self.values);
        let identity = found.map_err(|fault| fault.with_status(status))?;
        if let Some(identity) = identity {
            let before = self.identity.replace(identity);
            if let (Some(before), Some(now)) = (before, &self.identity)
                && before != *now
            {
                let words = format!("taken for `{now}`, and for `{before}` before");
                return Err(Fault::new(ErrorKind::Identity, words).with_status(status));
            }
        }
        Ok(status)
    }

    fn write(&mut self, request: &CompiledRequest, method: Method, content_type: Option<&str>, run: &Run) {
        let out = &mut self.request;
        out.clear();
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.path.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        request.write_headers(&self.values, out);
        self.jar.write(self.path.as_bytes(), run.script.is_secure, out);
        if let Some(content_type) = content_type {
            out.extend_from_slice(b"Content-Type: ");
            out.extend_from_slice(content_type.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if method != Method::Get {
            // Servers want to know that there is nothing, too.
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }
}
