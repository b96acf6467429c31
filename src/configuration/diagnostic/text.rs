//! Diagnostics for a terminal: the line, a caret under the exact characters, why, and what to write.

use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

use super::quote::is_invisible;
use super::{Diagnostic, Severity};

/// Whether to write terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    Plain,
    /// ANSI colours.
    Color,
}

/// Characters of a line kept on each side of the caret.
const CONTEXT: usize = 70;

const BOLD: &str = "1";
const RED: &str = "1;31";
const YELLOW: &str = "1;33";
const BLUE: &str = "1;34";
const GREEN: &str = "1;32";

impl Style {
    fn paint(self, color: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Color => format!("\u{1b}[{color}m{text}\u{1b}[0m"),
        }
    }
}

/// Every diagnostic as text, an empty line between two.
pub fn render_text<'a>(items: impl IntoIterator<Item = &'a Diagnostic>, style: Style) -> String {
    items.into_iter().map(|item| render_one(item, style)).collect::<Vec<_>>().join("\n")
}

fn render_one(item: &Diagnostic, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_one(&mut out, item, style);
    out
}

fn write_one(out: &mut String, item: &Diagnostic, style: Style) -> std::fmt::Result {
    let (word, color) = match item.severity {
        Severity::Error => ("error", RED),
        Severity::Warning => ("warning", YELLOW),
    };
    let title = style.paint(color, &format!("{word}[{}]", item.code));
    writeln!(out, "{title}: {}", style.paint(BOLD, &item.message))?;
    let number = item.line.to_string();
    let margin = " ".repeat(number.len());
    writeln!(out, "{margin}{} {}:{}:{}", style.paint(BLUE, "-->"), item.file, item.line, item.column)?;
    if !item.snippet.is_empty() {
        let bar = style.paint(BLUE, "|");
        let view = View::of(item);
        writeln!(out, "{margin} {bar}")?;
        writeln!(out, "{} {bar} {}", style.paint(BLUE, &number), view.line)?;
        writeln!(out, "{margin} {bar} {}{}", view.indent, style.paint(color, &view.carets))?;
    }
    if let Some(why) = &item.why {
        writeln!(out, "{margin} {} why: {why}", style.paint(BLUE, "="))?;
    }
    if let Some(help) = &item.help {
        writeln!(out, "{margin} {} {}: {help}", style.paint(BLUE, "="), style.paint(GREEN, "help"))?;
    }
    Ok(())
}

/// The part of the line that is shown, and what is shown under it.
struct View {
    line: String,
    indent: String,
    carets: String,
}

impl View {
    fn of(item: &Diagnostic) -> Self {
        let characters: Vec<char> = item.snippet.chars().collect();
        let start = (item.column.saturating_sub(1) as usize).min(characters.len());
        // A mistake over several lines is marked to the end of its first.
        let end = if item.end.line > item.line { characters.len() } else { item.end.column.saturating_sub(1) as usize };
        let end = end.clamp(start, characters.len());
        let first = start.saturating_sub(CONTEXT);
        let last = (start + CONTEXT).min(characters.len());
        let (mut line, mut indent, mut carets) = (String::new(), String::new(), String::new());
        if first > 0 {
            line.push('…');
            indent.push(' ');
        }
        for (position, character) in characters.iter().enumerate().take(last).skip(first) {
            let shown = visible(*character);
            line.push(shown);
            let width = shown.width().unwrap_or(1);
            if position < start {
                indent.push_str(&" ".repeat(width));
            } else if position < end {
                carets.push_str(&"^".repeat(width));
            }
        }
        if last < characters.len() {
            line.push('…');
        }
        if carets.is_empty() {
            carets.push('^');
        }
        Self { line, indent, carets }
    }
}

/// One printable character for each character of the file, so that the caret stays under the right one.
fn visible(character: char) -> char {
    match character {
        '\t' => '→',
        other if is_invisible(other) => '\u{fffd}',
        other => other,
    }
}
