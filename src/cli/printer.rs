//! The only place that prints.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use serde_json::{Value, json};

use super::answer::{Answer, OUTPUT_VERSION, Trouble};
use super::options::{GlobalArgs, OutputFormat};
use crate::configuration::{self, Style};
use crate::core::Exit;
use crate::ports::{EventSink, Progress, ProgressSink};
use crate::report::{Annotation, LineReport, LiveReport};

/// Who reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// A person.
    Text,
    /// A program: one JSON document.
    Json,
    /// A person, and GitHub, which takes annotations out of it.
    Github,
}

impl Format {
    fn of(output: OutputFormat) -> Self {
        let on_github = || std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        match output {
            OutputFormat::Json => Self::Json,
            OutputFormat::Text if on_github() => Self::Github,
            OutputFormat::Text => Self::Text,
        }
    }
}

/// How to print, decided once.
#[derive(Debug, Clone)]
pub struct Printer {
    command: String,
    format: Format,
    quiet: bool,
    verbose: bool,
    live: bool,
    color_err: bool,
}

/// Somebody who hears of events and of progress.
pub trait Audience: EventSink + ProgressSink {}
impl<T: EventSink + ProgressSink> Audience for T {}

/// Nobody.
struct Nobody;

impl EventSink for Nobody {
    fn recorded(&self, _: jiff::Timestamp, _: &crate::core::Event) {}
}

impl ProgressSink for Nobody {
    fn report(&self, _: Progress) {}
}

/// A stream that may have been closed by its reader (`migrate log | head`): that is not an error of ours.
fn put(mut stream: impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}

impl Printer {
    /// A printer for one command. Colors follow <https://no-color.org>.
    pub fn new(global: &GlobalArgs, command: &str) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let may_color = !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let err_is_terminal = std::io::stderr().is_terminal();
        Self {
            command: command.to_owned(),
            format: Format::of(global.output),
            quiet: global.quiet,
            verbose: global.verbose > 0,
            live: err_is_terminal && !global.no_progress && !is_set("CI"),
            color_err: may_color && err_is_terminal,
        }
    }

    /// A printer that answers in JSON, for a command line that could not be understood.
    pub fn json(command: String) -> Self {
        Self { command, format: Format::Json, quiet: true, verbose: false, live: false, color_err: false }
    }

    /// How diagnostics are drawn on standard error.
    fn style(&self) -> Style {
        if self.color_err { Style::Color } else { Style::Plain }
    }

    /// Who hears of long work: on standard error, so that standard output stays the answer.
    pub fn audience(&self) -> Arc<dyn Audience> {
        if self.quiet {
            Arc::new(Nobody)
        } else if self.live {
            Arc::new(LiveReport::new(self.color_err, self.verbose))
        } else {
            Arc::new(LineReport::new(Box::new(std::io::stderr()), self.verbose))
        }
    }

    /// A remark on standard error.
    pub fn remark(&self, text: &str) {
        if !self.quiet && self.format != Format::Json {
            put(std::io::stderr().lock(), &format!("{text}\n"));
        }
    }

    /// Prints what GitHub takes out of standard output.
    fn annotate(&self, annotations: &[Annotation]) {
        if self.format == Format::Github {
            annotations.iter().for_each(|annotation| put(std::io::stdout().lock(), &format!("{annotation}\n")));
        }
    }

    /// Asks a question on the terminal; `None` when nobody is there to answer.
    pub fn confirm(&self, question: &str) -> Option<bool> {
        if self.format == Format::Json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        put(std::io::stderr().lock(), &format!("{question} [y/N] "));
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).ok()?;
        Some(matches!(line.trim(), "y" | "Y" | "yes"))
    }

    /// Prints an answer; the exit code.
    pub fn answer(&self, answer: &Answer) -> Exit {
        self.annotate(&answer.annotations);
        if self.format == Format::Json {
            self.document(answer.exit, &answer.result, None);
        } else if (!self.quiet || answer.is_product || answer.exit != Exit::Pass) && !answer.text.is_empty() {
            let newline = if answer.text.ends_with('\n') { "" } else { "\n" };
            put(std::io::stdout().lock(), &format!("{}{newline}", answer.text));
        }
        answer.exit
    }

    /// Prints what went wrong; the exit code.
    pub fn trouble(&self, trouble: &Trouble) -> Exit {
        let exit = trouble.exit();
        self.annotate(&trouble.annotations());
        if self.format == Format::Json {
            self.document(exit, &Value::Null, Some(&trouble.to_json()));
            return exit;
        }
        put(std::io::stderr().lock(), &self.words(trouble));
        exit
    }

    /// Prints a failure beside the answer on standard error, in JSON too: standard output stays one document.
    pub fn warn(&self, trouble: &Trouble) {
        put(std::io::stderr().lock(), &self.words(trouble));
    }

    /// Prints a line on standard error that must be seen even when quiet and in JSON.
    pub fn note(text: &str) {
        put(std::io::stderr().lock(), &format!("note: {text}\n"));
    }

    fn words(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Files(diagnostics) => configuration::render_text(diagnostics.iter(), self.style()),
            Trouble::Other { exit, message, hint } => {
                let (red, cyan, end) =
                    if self.color_err { ("\u{1b}[1;31m", "\u{1b}[36m", "\u{1b}[0m") } else { ("", "", "") };
                let label = match exit {
                    Exit::Waiting => "waiting",
                    Exit::HungUp | Exit::Interrupted | Exit::Terminated => "paused",
                    _ => "error",
                };
                let hint = hint.as_ref().map(|hint| format!("\n{cyan}next{end}: {hint}")).unwrap_or_default();
                format!("{red}{label}{end}: {message}{hint}\n")
            }
        }
    }

    fn document(&self, exit: Exit, result: &Value, error: Option<&Value>) {
        let document = json!({
            "version": OUTPUT_VERSION,
            "command": self.command,
            "exit_code": exit.code(),
            "exit_meaning": exit.meaning(),
            "result": result,
            "error": error,
        });
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        put(std::io::stdout().lock(), &format!("{text}\n"));
    }
}
