//! Rust sources, without their comments and without what stands in their literals.

use std::path::{Path, PathBuf};

/// A source file.
#[derive(Debug)]
pub struct Source {
    /// Its path below the package, with `/` between parts: `src/core/mod.rs`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Its text with comments and literals blanked out, of the same length in lines.
    pub code: String,
}

impl Source {
    /// A source.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { path: path.into(), code: blank(&text), text }
    }

    /// The same source up to its tests.
    pub fn without_tests(&self) -> Self {
        Self::new(self.path.as_str(), self.text.split("\n#[cfg(test)]").next().unwrap_or_default())
    }

    /// Its module path: `["core", "rollout", "values"]`; empty for the crate's root.
    pub fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut parts: Vec<&str> = path.split('/').collect();
        if matches!(parts.last(), Some(&("mod" | "lib" | "main"))) {
            parts.pop();
        }
        parts
    }

    /// Where each occurrence of `word` in the code stands, by byte, when it is a whole word.
    pub fn occurrences<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let starts_in_name = word.starts_with(is_name);
        let ends_in_name = word.ends_with(is_name);
        self.code.match_indices(word).map(|(at, _)| at).filter(move |at| {
            let before = self.code[..*at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            !(starts_in_name && before.is_some_and(is_name) || ends_in_name && after.is_some_and(is_name))
        })
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }
}

/// Whether a character may stand in a name.
pub fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Every Rust source under a directory of the package.
pub fn sources(directory: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![root.join(directory)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.push(Source::new(name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    assert!(!found.is_empty(), "{directory} holds no sources");
    found
}

/// The sources of both packages.
pub fn product() -> Vec<Source> {
    ["src", "statistics/src"].into_iter().flat_map(sources).collect()
}

/// A part of a source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    Comment,
    /// A string.
    Text,
    Character,
}

/// The parts of a source, in order.
fn parts(text: &str) -> Vec<(Part, &str)> {
    let mut found: Vec<(Part, &str)> = Vec::new();
    let (mut at, mut code_since) = (0, 0);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_inside_name = text[code_since..at].ends_with(is_name);
        let (part, length) = if rest.starts_with("//") {
            (Part::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Part::Comment, block_comment(rest))
        } else if !is_inside_name && (rest.starts_with("r\"") || rest.starts_with("r#") || rest.starts_with("br")) {
            (Part::Text, raw_string(rest))
        } else if first == '"' {
            (Part::Text, quoted(rest))
        } else if first == '\'' {
            (Part::Character, character(rest))
        } else {
            (Part::Code, 0)
        };
        if length == 0 {
            at += first.len_utf8();
            continue;
        }
        found.extend([(Part::Code, &text[code_since..at]), (part, &rest[..length])]);
        at += length;
        code_since = at;
    }
    found.push((Part::Code, &text[code_since..]));
    found
}

/// Blanks out comments and literals. Newlines stay, so that lines keep their numbers.
fn blank(text: &str) -> String {
    let blanked = |part: &str| part.chars().map(|one| if one == '\n' { '\n' } else { ' ' }).collect();
    let shown = |(part, text): (Part, &str)| if part == Part::Code { text.to_owned() } else { blanked(text) };
    parts(text).into_iter().map(shown).collect()
}

/// The strings of a source, each with its line.
pub fn messages(source: &Source) -> Vec<(usize, String)> {
    let mut line = 1;
    let mut found = Vec::new();
    for (part, text) in parts(&source.text) {
        if part == Part::Text {
            // A backslash at the end of a line joins it with the next one.
            let joined: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            found.push((line, joined.concat()));
        }
        line += text.matches('\n').count();
    }
    found
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, _) in text.char_indices() {
        if text[at..].starts_with("/*") {
            depth += 1;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            if depth == 0 {
                return at + 2;
            }
        }
    }
    text.len()
}

/// The length of a raw string, or 0 when it is none (`r#type`, a name that begins with `br`).
fn raw_string(text: &str) -> usize {
    let body = text.trim_start_matches('b').trim_start_matches('r');
    let hashes = body.len() - body.trim_start_matches('#').len();
    let Some(inner) = body[hashes..].strip_prefix('"') else { return 0 };
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - inner.len();
    inner.find(&end).map_or(text.len(), |at| start + at + end.len())
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal, or 0 when it is a lifetime.
fn character(text: &str) -> usize {
    let inner = &text[1..];
    if let Some(escaped) = inner.strip_prefix('\\') {
        let kind = escaped.chars().next().map_or(0, char::len_utf8);
        return escaped[kind..].find('\'').map_or(0, |at| 2 + kind + at + 1);
    }
    let length = inner.chars().next().map_or(0, char::len_utf8);
    if inner[length..].starts_with('\'') { 1 + length + 1 } else { 0 }
}
