//! What has become of synthetic users.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::core::{Measurement, Verdict};
use crate::steps::measure::measurement;

/// The maximum number of examples that are kept.
const MAX_EXAMPLES: usize = 3;

/// What has become of one. The later ones outweigh the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Fate {
    /// Who the user was, with the data the user had.
    #[default]
    Kept,
    /// No answer.
    Unanswered,
    /// A server error, or an answer that is none.
    Failing,
    /// Other data, or taken for somebody else.
    Changed,
    /// Not known any more.
    Lost,
}

/// The result of the replay of one user.
#[derive(Debug, Default)]
pub struct MemberResult {
    /// What has become of the user.
    pub fate: Fate,
    /// The first words about that.
    pub words: Option<String>,
    /// From which store the session was read.
    pub read: Option<String>,
    /// Requests whose answer reads otherwise, although all that is declared about it holds.
    pub other_bodies: BTreeSet<String>,
    /// How many requests it took.
    pub requests: u64,
}

impl MemberResult {
    /// Something happened to the user.
    pub fn meets(&mut self, fate: Fate, words: String) {
        if fate > self.fate {
            self.fate = fate;
            self.words = Some(words);
        }
    }
}

/// What was found out about all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many were asked.
    pub users: usize,
    /// Who they were, with the data they had.
    pub kept: usize,
    /// Not known any more.
    pub lost: usize,
    /// With other data, or taken for somebody else.
    pub changed: usize,
    /// Answered with a server error, or with something that is no answer.
    pub failing: usize,
    /// Without an answer.
    pub unanswered: usize,
    /// From which store sessions were read, and how many; nothing when no release serves there.
    pub read: BTreeMap<String, usize>,
    /// Requests that some got another body for, although all that is declared about it holds; and how many.
    pub other_bodies: BTreeMap<String, usize>,
    /// What was said about the first ones that were not kept.
    pub examples: Vec<String>,
    /// How long ago they were opened, in seconds.
    pub age_seconds: i64,
    /// How many requests it took: the server cannot tell them from users'.
    pub requests: u64,
}

impl Replayed {
    /// There was nobody to ask.
    pub(super) fn nobody() -> Self {
        Self::default()
    }

    pub(super) fn of(all: Vec<MemberResult>, age: jiff::SignedDuration) -> Self {
        let mut replayed = Self { users: all.len(), age_seconds: age.as_secs(), ..Self::default() };
        for found in all {
            let count = match found.fate {
                Fate::Kept => &mut replayed.kept,
                Fate::Unanswered => &mut replayed.unanswered,
                Fate::Failing => &mut replayed.failing,
                Fate::Changed => &mut replayed.changed,
                Fate::Lost => &mut replayed.lost,
            };
            *count += 1;
            replayed.requests += found.requests;
            if let Some(read) = found.read {
                *replayed.read.entry(read).or_default() += 1;
            }
            for title in found.other_bodies {
                *replayed.other_bodies.entry(title).or_default() += 1;
            }
            replayed.examples.extend(found.words.filter(|_| replayed.examples.len() < MAX_EXAMPLES));
        }
        replayed
    }

    /// Whether nobody's session has suffered, as far as there were answers.
    pub fn harmed(&self) -> usize {
        self.lost + self.changed + self.failing
    }

    /// What it amounts to.
    pub fn verdict(&self) -> Verdict {
        match self {
            _ if self.harmed() > 0 => Verdict::Abort,
            _ if self.unanswered > 0 || self.users == 0 => Verdict::Inconclusive,
            _ => Verdict::Pass,
        }
    }

    /// In words.
    pub fn words(&self, target: &str) -> String {
        if self.users == 0 {
            return format!("no synthetic users were opened on {target} before the change, so none can be checked");
        }
        if self.kept == self.users {
            let read: Vec<String> =
                self.read.iter().map(|(store, count)| format!("{count} read from {store}")).collect();
            let read = if read.is_empty() { String::new() } else { format!(" ({})", read.join(", ")) };
            let bodies: Vec<String> = self
                .other_bodies
                .iter()
                .map(|(title, count)| format!("`{title}` reads otherwise for {count}"))
                .collect();
            let bodies = if bodies.is_empty() {
                String::new()
            } else {
                format!("; {}, with all that is declared about it as before", bodies.join(", "))
            };
            return format!(
                "all {} users of {target} are who they were, with the data they had{read}{bodies}",
                self.users
            );
        }
        let parts = [
            (self.lost, "not known any more"),
            (self.changed, "with other data than before"),
            (self.failing, "answered with a server error"),
            (self.unanswered, "without an answer"),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let examples = if self.examples.is_empty() { String::new() } else { format!(": {}", self.examples.join("; ")) };
        let (users, age) = (self.users, age(self.age_seconds));
        format!("of {users} users opened on {target} {age} ago, {}{examples}", parts.join(", "))
    }

    /// As a measurement.
    pub fn measurement(&self, target: &str) -> Measurement {
        let data = json!({
            "users": self.users,
            "kept": self.kept,
            "lost": self.lost,
            "changed": self.changed,
            "failing": self.failing,
            "unanswered": self.unanswered,
            "read": self.read,
            "other_bodies": self.other_bodies,
            "examples": self.examples,
            "age_seconds": self.age_seconds,
        });
        measurement(self.verdict(), target, self.words(target), data)
    }
}

/// A stretch of time, roughly: a session may simply have come to its end.
fn age(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
