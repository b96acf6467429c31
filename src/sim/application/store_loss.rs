//! What a copy does while the path to its store is cut, and afterwards.

use std::time::Duration;

use super::load::SimulatedApplication;
use super::sessions::SessionPlace;
use crate::core::rollout::JourneyRequest;
use crate::ports::{Answer, ErrorKind};
use crate::sim::paths::PathCuts;

/// How a copy takes the loss of its store. By default as with the session bridge: nobody notices.
#[derive(Debug, Clone)]
pub struct StoreLoss {
    /// Whether every request with a session ends in a 500 meanwhile.
    pub fails: bool,
    /// At which edge of the cut it forgets everybody.
    pub forgets: Option<CutEdge>,
    /// Whether it goes on reading from `redis`: what was cut is not the way it takes.
    pub is_untouched: bool,
    /// How many times as slow it is meanwhile, under load.
    pub slower: f64,
    /// How long an answer hangs meanwhile.
    pub hangs: Duration,
    /// How long after the path is whole it reads from the store again; `None` is never.
    pub notices_after: Option<Duration>,
}

/// An edge of a cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutEdge {
    /// When the path is cut.
    Beginning,
    /// When it is whole again.
    End,
}

impl Default for StoreLoss {
    fn default() -> Self {
        Self {
            fails: false,
            forgets: None,
            is_untouched: false,
            slower: 1.0,
            hangs: Duration::ZERO,
            notices_after: Some(Duration::from_secs(5)),
        }
    }
}

/// Where in a cut a moment is.
enum Moment {
    Before,
    Meanwhile,
    After(Duration),
}

fn moment(paths: &PathCuts, now: Duration) -> Moment {
    match paths.latest() {
        Some((begins, ends)) if now >= ends => Moment::After(now.saturating_sub(ends.max(begins))),
        Some((begins, _)) if now >= begins => Moment::Meanwhile,
        _ => Moment::Before,
    }
}

impl StoreLoss {
    /// How long an answer hangs now because the store is away.
    pub(in crate::sim) fn hangs_now(&self, paths: &PathCuts, now: Duration) -> Duration {
        match moment(paths, now) {
            Moment::Meanwhile => self.hangs,
            _ => Duration::ZERO,
        }
    }

    /// An answer of an application that keeps its sessions in this place, as the loss of its store makes it.
    pub(super) fn mark(
        &self,
        paths: &PathCuts,
        place: &SessionPlace,
        request: &JourneyRequest,
        mut answer: Answer,
        now: Duration,
    ) -> Answer {
        if *place != SessionPlace::Cluster {
            return answer;
        }
        let moment = moment(paths, now);
        let is_forgotten = match moment {
            Moment::Before => false,
            Moment::Meanwhile => self.forgets == Some(CutEdge::Beginning),
            Moment::After(_) => self.forgets == Some(CutEdge::End),
        };
        if self.fails && matches!(moment, Moment::Meanwhile) {
            answer.status = 500;
            answer.problem = Some("500, expected 200 (simulated)".to_owned());
        } else if is_forgotten && !request.extract.is_empty() {
            answer.status = 401;
            answer.problem = Some("401, expected 200 (simulated)".to_owned());
        }
        let read = match moment {
            Moment::Before => "redis",
            Moment::Meanwhile if self.is_untouched => "redis",
            Moment::Meanwhile => "old",
            Moment::After(since) => {
                if self.notices_after.is_some_and(|after| since >= after) {
                    "redis"
                } else {
                    "old"
                }
            }
        };
        let bridge = answer.headers.iter_mut().find(|(name, _)| name == "x-migrate-sessions");
        match bridge {
            Some((_, words)) => words.extend([format!("; read={read}; wrote=both")]),
            None => answer.headers.push(("x-migrate-sessions".to_owned(), format!("read={read}; wrote=both"))),
        }
        answer
    }

    /// An application under load, as the loss of its store makes it.
    pub(in crate::sim) fn slow(
        &self,
        paths: &PathCuts,
        mut application: SimulatedApplication,
        now: Duration,
    ) -> SimulatedApplication {
        let is_copy = application.sessions.place == SessionPlace::Cluster;
        if is_copy && matches!(moment(paths, now), Moment::Meanwhile) {
            application.median = application.median.mul_f64(self.slower);
            if self.fails {
                application.error_share = 0.5;
                application.error = ErrorKind::Status;
            }
        }
        application
    }
}
