//! Text from a file, made safe to print: one line, bounded, without control characters.

use std::fmt::Write;

/// More of a value than this helps nobody to find it.
const LONGEST: usize = 60;

/// The text between backticks.
pub fn quoted(text: &str) -> String {
    format!("`{}`", clean(text))
}

/// The text without what could move a terminal's cursor, shortened when long.
pub fn clean(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        push_visible(&mut out, character);
    }
    out
}

/// Appends a character, or a visible escape when it is not printable.
pub fn push_visible(out: &mut String, character: char) {
    if is_invisible(character) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", character.escape_default());
    } else {
        out.push(character);
    }
}

/// Control characters, and those that reorder or hide the text around them.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `a`, `b` or `c`, each between backticks.
pub fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(quoted).collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}
