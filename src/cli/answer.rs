//! What a command answers, before anybody prints it.

use serde_json::{Value, json};

use crate::configuration::Diagnostics;
use crate::core::{Exit, Failure};
use crate::engine::Stop;
use crate::ports::JournalFault;
use crate::report::{Annotation, Level};

/// The version of the JSON that commands print.
pub const OUTPUT_VERSION: u32 = 1;

/// A command's answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How the process exits.
    pub exit: Exit,
    /// For people, on standard output.
    pub text: String,
    /// For programs.
    pub result: Value,
    /// Whether the text is the point of the command and is printed even when quiet.
    pub is_product: bool,
    /// For GitHub.
    pub annotations: Vec<Annotation>,
}

impl Answer {
    /// An answer that passes.
    pub fn pass(text: impl Into<String>, result: Value) -> Self {
        Self { exit: Exit::Pass, text: text.into(), result, is_product: false, annotations: Vec::new() }
    }

    /// The same, with another exit.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The same, with what GitHub shows.
    #[must_use]
    pub fn annotated(mut self, annotations: Vec<Annotation>) -> Self {
        self.annotations = annotations;
        self
    }

    /// The text is what was asked for: a policy, a schema, a script.
    #[must_use]
    pub fn product(mut self) -> Self {
        self.is_product = true;
        self
    }
}

/// Why a command did not answer.
#[derive(Debug)]
pub enum Trouble {
    /// The files are wrong.
    Files(Box<Diagnostics>),
    /// Anything else: what, how to exit, and the next command to type.
    Other {
        /// How the process exits.
        exit: Exit,
        /// What happened and why.
        message: String,
        /// The next command to type.
        hint: Option<String>,
    },
}

impl Trouble {
    /// Trouble with a hint.
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Other { exit, message: message.into(), hint: Some(hint.into()) }
    }

    /// How the process exits.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Files(_) => Exit::InvalidFiles,
            Self::Other { exit, .. } => *exit,
        }
    }

    /// For GitHub.
    pub fn annotations(&self) -> Vec<Annotation> {
        match self {
            Self::Files(diagnostics) => diagnostics.iter().map(Annotation::from).collect(),
            Self::Other { exit, message, .. } => {
                let level = match exit {
                    Exit::Waiting | Exit::HungUp | Exit::Interrupted | Exit::Terminated => Level::Warning,
                    _ => Level::Error,
                };
                vec![Annotation { level, ..Annotation::error(exit.meaning(), message.as_str()) }]
            }
        }
    }

    /// For programs.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Files(diagnostics) => json!({
                "message": "the files are wrong",
                "diagnostics": serde_json::to_value(diagnostics.as_ref()).unwrap_or(Value::Null),
            }),
            Self::Other { message, hint, .. } => json!({ "message": message, "hint": hint }),
        }
    }
}

impl From<Diagnostics> for Trouble {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Files(Box::new(diagnostics))
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Self::Other { exit: stop.exit(), message: stop.to_string(), hint: stop.hint() }
    }
}

impl From<JournalFault> for Trouble {
    fn from(fault: JournalFault) -> Self {
        Stop::from(fault).into()
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other { exit: failure.class.into(), message: failure.message, hint: failure.hint }
    }
}
