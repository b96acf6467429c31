//! A mistake as plain data: what every printer starts from.

use serde::Serialize;

use super::Code;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The files cannot be used.
    Error,
    /// The files can be used, but probably do not say what was meant.
    Warning,
}

/// A place in a file: both numbers start at 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// One mistake, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Its stable name.
    pub code: Code,
    /// What is wrong, in one line.
    pub message: String,
    /// Why that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The file, as the operator named it.
    pub file: String,
    /// The line, from 1. A mistake of the file as a whole is at 1:1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// Just past the last wrong character.
    pub end: Position,
    /// The line of the file, without its line break. Empty when the file could not be read or the line is very long.
    pub snippet: String,
}

/// The mistakes of one load, sorted by file and position. With at least one error, the files cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Sorts by position within each file; files stay in the order in which they are first mentioned, and mistakes
    /// at one place in the order in which they were found.
    pub fn new(mut items: Vec<Diagnostic>) -> Self {
        let mut files: Vec<String> = Vec::new();
        for item in &items {
            if !files.contains(&item.file) {
                files.push(item.file.clone());
            }
        }
        let rank = |item: &Diagnostic| files.iter().position(|known| *known == item.file);
        items.sort_by_key(|item| (rank(item), item.line, item.column));
        Self { items }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// Hands the list over.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.items
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether the files cannot be used.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.items.iter().filter(|item| item.severity == Severity::Error).count()
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.items.len() - self.errors()
    }
}

impl std::error::Error for Diagnostics {}

impl std::fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&super::render_text(self.items.iter(), super::Style::Plain))
    }
}

impl Diagnostic {
    /// A mistake of the file as a whole.
    pub(in crate::configuration) fn whole_file(code: Code, file: &str, message: impl Into<String>) -> Self {
        let start = Position { line: 1, column: 1 };
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            why: None,
            help: None,
            file: file.to_owned(),
            line: start.line,
            column: start.column,
            end: start,
            snippet: String::new(),
        }
    }

    /// Adds why it is wrong.
    #[must_use]
    pub(in crate::configuration) fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what to write.
    #[must_use]
    pub(in crate::configuration) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Makes it a warning.
    #[must_use]
    pub(in crate::configuration) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}
