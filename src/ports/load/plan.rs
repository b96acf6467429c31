//! Where a load goes, and how much of it.

use std::time::Duration;

use crate::ports::{Endpoint, Route, TransportSecurity};

/// The application under load. Everything in a journey is below it.
#[derive(Debug, Clone)]
pub struct LoadTarget {
    /// What it is called in results: `original`, `copy`, a target's name.
    pub name: String,
    /// Where it listens. Through a host, as that host sees it: `127.0.0.1:8081`.
    pub endpoint: Endpoint,
    /// From where the connections start. Through a host, all of them share one forward of one ssh connection, which
    /// costs time of its own: compare only targets that are reached in the same way.
    pub route: Route,
    /// Plain text or TLS.
    pub security: TransportSecurity,
    /// The `Host` header; otherwise the endpoint. Cookies are kept for this name.
    pub host_header: Option<String>,
}

impl LoadTarget {
    /// A target in plain text, reached from this machine.
    pub fn direct(name: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            name: name.into(),
            endpoint,
            route: Route::Direct,
            security: TransportSecurity::Plain,
            host_header: None,
        }
    }

    /// The `Host` header.
    pub fn host(&self) -> String {
        self.host_header.clone().unwrap_or_else(|| self.endpoint.to_string())
    }
}

/// When users begin their journeys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Schedule {
    /// At random moments drawn before the run from its seed (a Poisson process, split evenly among the users),
    /// whatever the answers do. A journey that has to wait because its user still waits for an earlier answer is
    /// measured from the moment it was due: an application that stalls cannot hide the requests it held up.
    Open {
        /// All users together.
        journeys_per_second: f64,
    },
    /// Each user begins the next journey when the last one is over. A slow application is asked less often; that is
    /// what a fixed number of people does, and why percentiles of a closed load flatter a stall.
    Closed,
}

/// How much load, for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadPlan {
    /// How many users at once, each with cookies and a connection of its own.
    pub users: u32,
    /// The number of the first user.
    pub first_user: u32,
    /// When they begin their journeys.
    pub schedule: Schedule,
    /// For how long journeys begin.
    pub duration: Duration,
    /// Over how long the users arrive, one after the other.
    pub ramp: Duration,
    /// The same seed is the same moments, journeys and nonces.
    pub seed: u64,
    /// How long an answer may take, redirects included.
    pub timeout: Duration,
    /// The largest body that is read, in bytes.
    pub largest_body: usize,
    /// How many requests may be under way at once, all users together; one a user when it is not said. Whoever waits for
    /// their turn is late, and that is measured.
    pub requests_at_once: Option<u32>,
    /// Where an answer says who gave it, when it does: counted in [`super::LoadResult::answered`].
    pub answered_by: Option<AnsweredBy>,
}

/// A part of a header that names the worker: `pid=12` in `pid=12; read=redis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnsweredBy {
    /// The header.
    pub header: &'static str,
    /// The part's name.
    pub part: &'static str,
}

impl AnsweredBy {
    /// As the bridge says it.
    pub const BRIDGE: Self = Self { header: "x-migrate-sessions", part: "pid" };

    /// The worker that a header's value names.
    pub fn worker(self, value: &str) -> Option<u32> {
        let parts = value.split(';').filter_map(|part| part.trim().split_once('='));
        parts.into_iter().find(|(name, _)| *name == self.part)?.1.trim().parse().ok()
    }
}

impl LoadPlan {
    /// So many users, each beginning the next journey when the last one is over.
    pub fn closed(users: u32, duration: Duration) -> Self {
        Self {
            users,
            first_user: 1,
            schedule: Schedule::Closed,
            duration,
            ramp: Duration::ZERO,
            seed: 1,
            timeout: Duration::from_secs(30),
            largest_body: 8 << 20,
            requests_at_once: None,
            answered_by: None,
        }
    }

    /// So many users, and journeys that begin at this rate whatever the answers do.
    pub fn open(users: u32, journeys_per_second: f64, duration: Duration) -> Self {
        Self { schedule: Schedule::Open { journeys_per_second }, ..Self::closed(users, duration) }
    }
}

#[cfg(test)]
mod tests {
    use super::AnsweredBy;

    #[test]
    fn who_answered_is_a_part_of_the_header() {
        let worker = |value| AnsweredBy::BRIDGE.worker(value);
        assert_eq!(worker("pid=12; read=redis; wrote=both"), Some(12));
        assert_eq!(worker("read=redis;pid=7"), Some(7));
        assert_eq!([worker("read=redis"), worker("pid=x"), worker("")], [None, None, None]);
    }
}
