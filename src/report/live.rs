//! A terminal: finished steps as lines, the current one as a spinner with an estimate.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::sentence::sentence;
use super::words;
use crate::core::Event;
use crate::ports::{EventSink, Progress, ProgressSink};

/// Columns before the message: the spinner, the time it has taken, and what is between.
const BEFORE: usize = 10;

/// Shows events as lines above one moving line.
pub struct LiveReport {
    bar: ProgressBar,
    color: bool,
    verbose: bool,
    columns: fn() -> usize,
}

impl LiveReport {
    /// Draws on standard error.
    pub fn new(color: bool, verbose: bool) -> Self {
        // A terminal may become narrower at any moment, so its width is asked for every time.
        let columns = || usize::from(console::Term::stderr().size().1);
        Self::on(ProgressDrawTarget::stderr(), columns, color, verbose)
    }

    fn on(target: ProgressDrawTarget, columns: fn() -> usize, color: bool, verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("  {spinner} {elapsed:>4} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, color, verbose, columns }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&self, event: &Event) -> Option<String> {
        let text = words::describe(event);
        Some(match event {
            Event::StepStarted { .. } | Event::UndoStarted { .. } => return None,
            // Every minute of a soak that is as it should be is in the moving line.
            Event::SoakObserved { seconds: 1.., .. } if !self.verbose => return None,
            // A gate that fails is followed by its failure, in the same words.
            Event::GateJudged { verdict, reason, .. } => {
                return verdict.passes().then(|| self.paint("2", &format!("    {reason}")));
            }
            Event::LeaseTaken { .. } | Event::LeaseReleased => {
                return self.verbose.then(|| self.paint("2", &format!("  · {text}")));
            }
            Event::StepSucceeded { .. } | Event::UndoFinished { .. } => format!("  {} {text}", self.paint("32", "✓")),
            Event::StepFailed { .. } | Event::UndoFailed { .. } => format!("  {} {text}", self.paint("31", "✗")),
            Event::PhasePassed { .. } | Event::RollbackFinished { .. } => self.paint("1;32", &text),
            Event::PhaseStarted { .. } | Event::RollbackStarted { .. } => self.paint("1", &text),
            _ => format!("  · {text}"),
        })
    }
}

impl Drop for LiveReport {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl EventSink for LiveReport {
    fn recorded(&self, _: jiff::Timestamp, event: &Event) {
        if let Event::StepStarted { step, .. } | Event::UndoStarted { step } = event {
            // A bar that was finished stays hidden until it is reset.
            self.bar.reset();
            self.bar.set_message(step.to_string());
            self.bar.enable_steady_tick(Duration::from_millis(100));
        }
        if matches!(event, Event::Paused { .. }) {
            self.bar.disable_steady_tick();
            self.bar.finish_and_clear();
        }
        if let Some(line) = self.line(event) {
            self.bar.println(line);
        }
        if matches!(event, Event::LeaseReleased | Event::PhasePassed { .. } | Event::RollbackFinished { .. }) {
            self.bar.disable_steady_tick();
            self.bar.finish_and_clear();
        }
    }
}

impl ProgressSink for LiveReport {
    fn report(&self, progress: Progress) {
        let percent = progress.fraction.map(|fraction| format!("{:3.0} % ", fraction * 100.0)).unwrap_or_default();
        let room = (self.columns)().saturating_sub(BEFORE + percent.len());
        self.bar.set_message(format!("{percent}{}", sentence(&progress, room)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::ports::Reading;

    const COLUMNS: u16 = 48;

    /// A narrow terminal that remembers the lines that were written.
    #[derive(Debug, Clone, Default)]
    struct Narrow(Arc<Mutex<Vec<String>>>);

    impl TermLike for Narrow {
        fn width(&self) -> u16 {
            COLUMNS
        }
        fn move_cursor_up(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> std::io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> std::io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> std::io::Result<()> {
            self.0.lock().unwrap().push(text.to_owned());
            Ok(())
        }
        fn clear_line(&self) -> std::io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nothing_wraps_on_a_narrow_terminal_and_no_figure_is_cut() {
        let terminal = Narrow::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal.clone()), 250);
        let report = LiveReport::on(target, || usize::from(COLUMNS), false, false);
        let readings = ["198 requests/s", "p50 42 ms", "p99 180 ms"].map(Reading::new);
        let news = Progress::estimated("50 users", Duration::from_secs(300), Duration::from_secs(600));
        report.report(Progress { remaining: None, ..news }.with(readings));
        report.bar.tick();
        let lines = terminal.0.lock().unwrap().clone();
        assert!(lines.iter().all(|line| line.width() <= usize::from(COLUMNS)), "{lines:?}");
        let last = lines.iter().rfind(|line| line.contains("users")).map(|line| line.trim_end());
        assert!(last.is_some_and(|line| line.ends_with("50 % 50 users · 198 requests/s")), "{lines:?}");
    }
}
