//! What the users met with.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::evidence::{Arm, LatencyHistogram, Proportion};

/// How a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No connection.
    Connect,
    /// No answer, or not all of it, in time.
    Timeout,
    /// The connection was closed before the answer was complete.
    Closed,
    /// The answer is not HTTP.
    Protocol,
    /// The body is larger than the plan allows.
    BodyTooLarge,
    /// Too many redirects, or one to another host.
    Redirect,
    /// Another status than the expected one, or 400 and above.
    Status,
    /// Something else in the answer is not as expected.
    Expectation,
    /// A value to extract is not in the answer.
    Extraction,
    /// The user is served another identity than before.
    Identity,
    /// Due, but never sent: the user waited for earlier answers until the end.
    Unsent,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Connect => "no connection",
            Self::Timeout => "no answer in time",
            Self::Closed => "connection closed",
            Self::Protocol => "not HTTP",
            Self::BodyTooLarge => "body too large",
            Self::Redirect => "redirect not followed",
            Self::Status => "unexpected status",
            Self::Expectation => "unexpected answer",
            Self::Extraction => "nothing to extract",
            Self::Identity => "served another user's identity",
            Self::Unsent => "never sent",
        })
    }
}

/// How often something failed in one way, and the first examples.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorTally {
    /// How often.
    pub count: u64,
    /// What was said, the first few times.
    pub examples: Vec<String>,
}

impl ErrorTally {
    /// More examples than this are not kept.
    pub const MOST_EXAMPLES: usize = 5;

    /// Counts one more.
    pub fn add(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < Self::MOST_EXAMPLES {
            self.examples.push(example());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        let room = Self::MOST_EXAMPLES.saturating_sub(self.examples.len());
        self.examples.extend(other.examples.iter().take(room).cloned());
    }
}

/// One request of one journey, over all users.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RequestResult {
    /// How long the answers took that were as expected, from the moment the request was due.
    pub latency: LatencyHistogram,
    /// The same for all others, up to the moment they failed.
    pub failed: LatencyHistogram,
    /// Answers by status; after a redirect was followed, only the last one counts.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by kind.
    pub errors: BTreeMap<ErrorKind, ErrorTally>,
}

impl RequestResult {
    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.latency.merge(&other.latency);
        self.failed.merge(&other.failed);
        other.statuses.iter().for_each(|(status, count)| *self.statuses.entry(*status).or_default() += count);
        other.errors.iter().for_each(|(kind, tally)| self.errors.entry(*kind).or_default().merge(tally));
    }
}

/// Everything the users met with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LoadResult {
    /// How long it took, until the last answer.
    pub elapsed: Duration,
    /// By `journey/request`.
    pub requests: BTreeMap<String, RequestResult>,
    /// Journeys that went to their end.
    pub journeys_completed: u64,
    /// Journeys that a failed request ended.
    pub journeys_failed: u64,
    /// Who each user was taken for, by the user's number: more than one is a mixed-up session, unless the journeys
    /// change it on purpose.
    pub identities: BTreeMap<u32, BTreeSet<String>>,
    /// How many answers each worker gave, by the number it names itself by; of those that name one.
    #[serde(default)]
    pub answered: BTreeMap<u32, u64>,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections opened.
    pub connections: u64,
    /// How much later than planned users who were free began: this machine's doing, not the application's.
    pub lag: LatencyHistogram,
}

impl LoadResult {
    /// Adds another run's, such as the next turn of an interleaved comparison.
    pub fn merge(&mut self, other: &Self) {
        self.elapsed += other.elapsed;
        for (name, request) in &other.requests {
            self.requests.entry(name.clone()).or_default().merge(request);
        }
        self.journeys_completed += other.journeys_completed;
        self.journeys_failed += other.journeys_failed;
        for (user, names) in &other.identities {
            self.identities.entry(*user).or_default().extend(names.iter().cloned());
        }
        for (worker, count) in &other.answered {
            *self.answered.entry(*worker).or_default() += count;
        }
        self.bytes_sent += other.bytes_sent;
        self.bytes_received += other.bytes_received;
        self.connections += other.connections;
        self.lag.merge(&other.lag);
    }

    /// All requests as one.
    pub fn total(&self) -> RequestResult {
        let mut total = RequestResult::default();
        self.requests.values().for_each(|request| total.merge(request));
        total
    }

    /// Failed requests, of all.
    pub fn errors(&self) -> Proportion {
        let (mut failed, mut all) = (0, 0);
        for request in self.requests.values() {
            failed += request.failed.count();
            all += request.failed.count() + request.latency.count();
        }
        Proportion::new(failed, all)
    }

    /// One side of a comparison: all requests together.
    pub fn arm(&self) -> Arm {
        Arm { latencies: self.total().latency.sample(), errors: self.errors() }
    }

    /// Users who were taken for more than one person.
    pub fn mixed_up(&self) -> impl Iterator<Item = (u32, &BTreeSet<String>)> {
        self.identities.iter().filter(|(_, names)| names.len() > 1).map(|(user, names)| (*user, names))
    }
}
