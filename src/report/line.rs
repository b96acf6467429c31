//! Plain lines: for a terminal that is none, a log, a CI job.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::sentence::sentence;
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
        // Every minute of a soak that is as it should be is in the progress already.
        let is_usual = matches!(event, Event::SoakObserved { seconds: 1.., .. });
        if (is_housekeeping || is_usual) && !self.verbose {
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
        // A log has no width.
        out.line(&format!("    … {}", sentence(&progress, usize::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ports::Reading;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn written(verbose: bool) -> String {
        let paper = Paper::default();
        let report = LineReport::new(Box::new(paper.clone()), verbose);
        for (users, second) in [(50, 1), (50, 2), (50, 3), (20, 4)] {
            let readings = [Reading::new(format!("{second} requests/s")), Reading::new("no errors")];
            report.report(Progress::message(format!("{users} users on the copy")).with(readings));
        }
        String::from_utf8(paper.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn figures_that_change_every_second_are_one_line_now_and_then() {
        insta::assert_snapshot!(written(false), @r"
        … 50 users on the copy · 1 requests/s · no errors
        … 20 users on the copy · 4 requests/s · no errors
        ");
        assert_eq!(written(true).lines().count(), 4);
    }
}
