//! A terminal: finished steps as lines, the current one as a spinner with an estimate.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::words;
use crate::core::Event;
use crate::ports::{EventSink, Progress, ProgressSink};

/// Shows events as lines above one moving line.
pub struct LiveReport {
    bar: ProgressBar,
    color: bool,
    verbose: bool,
}

impl LiveReport {
    /// Draws on standard error.
    pub fn new(color: bool, verbose: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("  {spinner} {elapsed:>4} {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, color, verbose }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&self, event: &Event) -> Option<String> {
        let text = words::describe(event);
        Some(match event {
            Event::StepStarted { .. } | Event::UndoStarted { .. } => return None,
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
        let remaining = progress.remaining.map(|left| format!(", about {} to go", words::human_duration(left)));
        let percent = progress.fraction.map(|fraction| format!("{:3.0} % ", fraction * 100.0));
        self.bar.set_message(format!(
            "{}{}{}",
            percent.unwrap_or_default(),
            progress.message,
            remaining.unwrap_or_default()
        ));
    }
}
