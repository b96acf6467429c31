//! GitHub workflow commands: annotations, which GitHub shows at a line of a file or beside the run.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt;

use crate::configuration::{Diagnostic, Severity};

/// How an annotation is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `::error`.
    Error,
    /// `::warning`.
    Warning,
}

/// Where in a file an annotation is shown. Lines and columns are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
    /// The column after the last; GitHub refuses one for several lines.
    pub end_column: Option<u32>,
}

/// An annotation. Its texts are raw: its [`Display`](fmt::Display), the workflow command, encodes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How it is shown.
    pub level: Level,
    /// Where in a file. Without it GitHub shows the annotation beside the run.
    pub place: Option<Place>,
    /// Its title.
    pub title: String,
    /// Its message.
    pub message: String,
}

impl Annotation {
    /// An error beside the run.
    pub fn error(title: impl Into<String>, message: impl Into<String>) -> Self {
        Self { level: Level::Error, place: None, title: title.into(), message: message.into() }
    }
}

impl From<&Diagnostic> for Annotation {
    fn from(item: &Diagnostic) -> Self {
        let mut message = item.message.clone();
        for (label, part) in [("why", &item.why), ("help", &item.help)] {
            if let Some(part) = part {
                message.extend(["\n", label, ": ", part]);
            }
        }
        let is_on_one_line = item.end.line == item.line && item.end.column > item.column;
        Self {
            level: match item.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            },
            place: Some(Place {
                file: item.file.clone(),
                line: item.line,
                column: item.column,
                end_column: is_on_one_line.then_some(item.end.column),
            }),
            title: item.code.as_str().to_owned(),
            message,
        }
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(out, "::{level} ")?;
        if let Some(Place { file, line, column, end_column }) = &self.place {
            write!(out, "file={},line={line},col={column},", property(file))?;
            if let Some(end_column) = end_column {
                write!(out, "endColumn={end_column},")?;
            }
        }
        write!(out, "title={}::{}", property(&self.title), data(&self.message))
    }
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::Annotation;

    #[test]
    fn no_text_forges_a_second_command_or_property() {
        let hostile = Annotation::error("a,file=x::b", "50 %\r\n::error::forged");
        assert_eq!(hostile.to_string(), "::error title=a%2Cfile=x%3A%3Ab::50 %25%0D%0A::error::forged");
    }
}
