//! Lossy news about long work. Nothing depends on it; the journal has what matters.

use std::time::Duration;

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is going on, in a few words.
    pub message: String,
    /// How far along, 0 to 1, when that can be known or estimated.
    pub fraction: Option<f64>,
    /// How long it is expected to take from now on.
    pub remaining: Option<Duration>,
}

impl Progress {
    /// News without an estimate.
    pub fn message(message: impl Into<String>) -> Self {
        Self { message: message.into(), fraction: None, remaining: None }
    }

    /// News about something that has taken `elapsed` and usually takes `expected`.
    pub fn estimated(message: impl Into<String>, elapsed: Duration, expected: Duration) -> Self {
        let fraction = (elapsed.as_secs_f64() / expected.as_secs_f64().max(0.001)).min(0.99);
        Self { message: message.into(), fraction: Some(fraction), remaining: Some(expected.saturating_sub(elapsed)) }
    }
}

/// Where news goes.
pub trait ProgressSink: Send + Sync {
    /// Takes one piece of news. Must not block.
    fn report(&self, progress: Progress);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl ProgressSink for Silent {
    fn report(&self, _: Progress) {}
}
