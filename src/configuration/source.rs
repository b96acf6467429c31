//! One file's text, and where in it something is.

use std::io::Read;
use std::path::Path;

use super::diagnostic::{Code, Diagnostic, Position, Severity};
use super::tree::Span;

/// No rollout and no phase comes near this.
pub const LARGEST: u64 = 1 << 20;

/// A longer line is not shown.
const LONGEST_SNIPPET: usize = 2_000;

/// A file that is text, with the table of its lines.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    /// The byte at which each line starts.
    lines: Vec<usize>,
}

/// Reads a regular file of at most [`LARGEST`] bytes.
///
/// # Errors
/// When it is not a regular file, too large, or cannot be read.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Box<Diagnostic>> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
            _ => format!("the file cannot be read: {error}"),
        };
        let help = "name the file with `--rollout FILE`, or write a first one with `migrate init`";
        Box::new(Diagnostic::whole_file(Code::FileUnreadable, &name, message).help(help))
    };
    // Before opening: opening a pipe blocks until somebody writes to it.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Diagnostic::whole_file(Code::FileNotRegular, &name, "this is a directory, a pipe or a device")
            .help("name a regular file")
            .into());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Diagnostic::whole_file(Code::FileTooLarge, &name, "the file is larger than 1 MiB")
            .because("a rollout or a phase is a few kilobytes; this is probably another file")
            .into());
    }
    Ok(bytes)
}

impl Source {
    /// Takes bytes that claim to be the content of a text file.
    ///
    /// # Errors
    /// When they are empty, not UTF-8, or hold control characters.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        let name = name.into();
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(Diagnostic::whole_file(Code::FileNotUtf8, &name, "the file is UTF-16, not UTF-8")
                .help("save it as UTF-8")
                .into());
        }
        if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            return Err(Diagnostic::whole_file(
                Code::FileByteOrderMark,
                &name,
                "the file starts with a byte order mark (EF BB BF)",
            )
            .because("it is invisible, and other tools that read this file take it for part of the first key")
            .help("save it as UTF-8 without a byte order mark")
            .into());
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(name, &error).into()),
        };
        let source = Self::of_text(name, text);
        source.refuse_control_characters()?;
        let says_something = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if source.text.lines().any(says_something) {
            Ok(source)
        } else {
            Err(Diagnostic::whole_file(Code::FileEmpty, &source.name, "the file says nothing")
                .help("`migrate init` writes a commented first one")
                .into())
        }
    }

    fn of_text(name: String, text: String) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, lines }
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The line of a byte offset, from 1.
    pub fn line_of(&self, offset: u32) -> u32 {
        self.position(offset).line
    }

    /// An error at a span.
    pub fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        let start = self.position(span.start);
        let end = self.position(span.end.max(span.start));
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            why: None,
            help: None,
            file: self.name.clone(),
            line: start.line,
            column: start.column,
            end,
            snippet: self.snippet(start.line).to_owned(),
        }
    }

    /// The span of one character at a line and column, both from 1.
    pub fn span_at(&self, line: u32, column: u32) -> Span {
        let start = self.lines.get((line.max(1) - 1) as usize).copied().unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or_default();
        let inside: usize = rest.chars().take((column.max(1) - 1) as usize).map(char::len_utf8).sum();
        let offset = start + inside;
        let width = self.text.get(offset..).and_then(|tail| tail.chars().next()).map_or(0, char::len_utf8);
        Span::new(offset, offset + width)
    }

    fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let index = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(index).copied().unwrap_or(0);
        let before = self.text.get(start..offset).unwrap_or_default();
        Position { line: clamp(index + 1), column: clamp(before.chars().count() + 1) }
    }

    /// A line without its line break, unless it is too long to be of use: fifty copies of it would be fifty megabytes.
    fn snippet(&self, line: u32) -> &str {
        let start = self.lines.get((line - 1) as usize).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line as usize).map_or(self.text.len(), |next| next - 1);
        let text = self.text.get(start..end).unwrap_or_default().trim_end_matches('\r');
        if text.len() > LONGEST_SNIPPET { "" } else { text }
    }

    fn refuse_control_characters(&self) -> Result<(), Box<Diagnostic>> {
        let illegal = |character: &char| character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}');
        let found = self.text.char_indices().find(|(_, character)| illegal(character));
        found.map_or(Ok(()), |(at, character)| {
            let span = Span::new(at, at + character.len_utf8());
            let message = format!("the file holds the control character U+{:04X}", u32::from(character));
            Err(self
                .error(Code::FileBinary, span, message)
                .because("a YAML file is printable text; this may be another kind of file")
                .into())
        })
    }
}

fn not_utf8(name: String, error: &std::string::FromUtf8Error) -> Diagnostic {
    let at = error.utf8_error().valid_up_to();
    let source = Source::of_text(name, String::from_utf8_lossy(error.as_bytes()).into_owned());
    source
        .error(Code::FileNotUtf8, Span::new(at, at + '\u{fffd}'.len_utf8()), "the file is not UTF-8 from here on")
        .help("save it as UTF-8")
}

fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
