//! A soak: observed time. What is known of it is its windows, as the journal tells of them.

use serde::{Deserialize, Serialize};

use super::{Facts, Verdict};

/// One look of a soak: a window of about a minute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SoakWindow {
    /// When it began.
    pub began: jiff::Timestamp,
    /// How long it was, in seconds, whether or not it counts.
    pub length: u64,
    /// Requests of users seen in it.
    pub requests: u64,
    /// What its gates said. Only a pass counts as observed.
    pub verdict: Verdict,
    /// What the step wants to know again in the next window. Keep it small: it stands in every line.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

/// What remains of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Looked {
    /// When it began, in seconds since 1970.
    pub began: i64,
    /// How long it was, in seconds.
    pub length: u64,
    /// Seconds of it that count.
    pub counted: u64,
    /// Requests of users seen in it.
    pub requests: u64,
}

/// The windows of a soak, the oldest first. Time between two processes is in no window.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct SoakTally {
    windows: Vec<Looked>,
    held: u64,
}

impl SoakTally {
    /// One more window, of which `counted` seconds are observed.
    pub(super) fn add(&mut self, counted: u64, window: &SoakWindow) {
        let &SoakWindow { began, length, requests, verdict, .. } = window;
        self.windows.push(Looked { began: began.as_second(), length, counted, requests });
        self.held = match verdict {
            Verdict::Pass => 0,
            // A gap in the middle of a bad hour does not make it a good one.
            Verdict::Inconclusive => self.held,
            Verdict::Hold | Verdict::Abort => self.held.saturating_add(length),
        };
    }

    /// Somebody asks again: what was on hold gets its time anew.
    pub(super) fn release(&mut self) {
        self.held = 0;
    }

    /// Every window that was looked at.
    pub fn windows(&self) -> &[Looked] {
        &self.windows
    }

    /// For how many seconds it has been on hold, without a pass in between.
    pub fn held(&self) -> u64 {
        self.held
    }
}
