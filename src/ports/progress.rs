//! Lossy news about long work. Nothing depends on it; the journal has what matters.

use std::time::Duration;

/// One piece of news.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is going on, in a few words. News with the same words is the same work going on.
    pub message: String,
    /// How far along, 0 to 1, when that can be known or estimated.
    pub fraction: Option<f64>,
    /// How long it is expected to take from now on.
    pub remaining: Option<Duration>,
    /// Figures that change meanwhile, the most important one first: where there is no room, the last ones are left out.
    pub readings: Vec<Reading>,
}

/// A figure that changes while the work goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The figure in words, with its name and unit: `p99 180 ms`.
    pub words: String,
    /// How it came to be what it is, oldest first, for a small curve beside it. Empty is none.
    pub history: Vec<f64>,
}

impl Reading {
    /// A figure without a curve.
    pub fn new(words: impl Into<String>) -> Self {
        Self { words: words.into(), history: Vec::new() }
    }
}

impl Progress {
    /// News without an estimate.
    pub fn message(message: impl Into<String>) -> Self {
        Self { message: message.into(), fraction: None, remaining: None, readings: Vec::new() }
    }

    /// News about something that has taken `elapsed` and usually takes `expected`.
    pub fn estimated(message: impl Into<String>, elapsed: Duration, expected: Duration) -> Self {
        let fraction = (elapsed.as_secs_f64() / expected.as_secs_f64().max(0.001)).min(0.99);
        let remaining = Some(expected.saturating_sub(elapsed));
        Self { fraction: Some(fraction), remaining, ..Self::message(message) }
    }

    /// The same with figures.
    #[must_use]
    pub fn with(mut self, readings: impl IntoIterator<Item = Reading>) -> Self {
        self.readings.extend(readings);
        self
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
