//! Plain lines: for a terminal that is none, a log, a CI job.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::words;
use crate::core::Event;
use crate::ports::{EventSink, Progress, ProgressSink};

/// How often the same kind of progress may be repeated.
const QUIET_FOR: Duration = Duration::from_secs(10);

/// Writes one line an event, and progress now and then.
pub struct LineReport {
    out: Mutex<Out>,
    verbose: bool,
}

struct Out {
    writer: Box<dyn Write + Send>,
    last: Option<(String, Instant)>,
}

impl LineReport {
    /// Lines to `writer`; lock events too when `verbose`.
    pub fn new(writer: Box<dyn Write + Send>, verbose: bool) -> Self {
        Self { out: Mutex::new(Out { writer, last: None }), verbose }
    }
}

impl Out {
    /// A closed pipe must not stop a migration: what matters is in the journal.
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.writer, "{text}");
        let _ = self.writer.flush();
    }
}

impl EventSink for LineReport {
    fn recorded(&self, at: jiff::Timestamp, event: &Event) {
        let is_housekeeping =
            matches!(event, Event::LeaseTaken { .. } | Event::LeaseReleased | Event::UndoStarted { .. });
        if is_housekeeping && !self.verbose {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        out.line(&format!("{}  {}", words::utc(at), words::describe(event)));
    }
}

impl ProgressSink for LineReport {
    fn report(&self, progress: Progress) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let is_repeated =
            out.last.as_ref().is_some_and(|(message, at)| *message == progress.message && at.elapsed() < QUIET_FOR);
        if is_repeated && !self.verbose {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "how often a person wants to read the same line is wall time")]
        let now = Instant::now();
        out.last = Some((progress.message.clone(), now));
        let remaining = progress.remaining.map(|left| format!(", about {} to go", words::human_duration(left)));
        out.line(&format!("    … {}{}", progress.message, remaining.unwrap_or_default()));
    }
}
