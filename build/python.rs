//! The top-level statements of a Python module: as much of Python's grammar as joining modules needs.

/// What a top-level statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A docstring or a decorator: defines no name.
    Nothing,
    /// A function, a class, or an assignment to these names.
    Defines(Vec<String>),
    /// `import module`, for each of these modules.
    Imports(Vec<String>),
    /// `from module import names`.
    ImportsFrom(String, Vec<String>),
    /// `if __name__ == "__main__":` and what follows it.
    Main,
}

/// A top-level statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its first line, counted from 1.
    pub line: usize,
    /// Its text, with the comments and blank lines behind it.
    pub text: String,
    /// Where its first logical line ends in the text: all of an import, which may be in parentheses.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

/// Splits a module into its top-level statements; what precedes the first one is a statement that is nothing.
///
/// # Errors
/// At a statement that is not one of [`Kind`], with its line.
pub fn statements(source: &str) -> Result<Vec<Statement>, String> {
    let mut found: Vec<Statement> = Vec::new();
    let mut scanner = Scanner::default();
    for (at, line) in source.split_inclusive('\n').enumerate() {
        let begins = scanner.is_between_statements() && line.starts_with(|first: char| !" \t\r\n#".contains(first));
        match found.last_mut() {
            Some(last) if !begins => last.text.push_str(line),
            _ => found.push(Statement { line: at + 1, text: line.to_owned(), end: 0, kind: Kind::Nothing }),
        }
        scanner.pass(line);
        if let Some(last) = found.last_mut().filter(|last| last.end == 0 && scanner.is_between_statements()) {
            last.end = last.text.len();
        }
    }
    if !scanner.is_between_statements() {
        return Err("a string or a bracket is not closed".to_owned());
    }
    for statement in &mut found {
        statement.kind =
            kind(&statement.text[..statement.end]).map_err(|what| format!("line {}: {what}", statement.line))?;
    }
    Ok(found)
}

/// Where a scan through a module is.
#[derive(Default)]
struct Scanner {
    /// The quotes that end the string that has begun.
    quotes: Option<&'static str>,
    /// How many brackets are open.
    depth: usize,
    /// Whether the next line continues this one.
    continues: bool,
}

impl Scanner {
    fn is_between_statements(&self) -> bool {
        self.quotes.is_none() && self.depth == 0 && !self.continues
    }

    /// Passes over one line.
    fn pass(&mut self, line: &str) {
        self.continues = false;
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let mut length = first.len_utf8();
            match self.quotes {
                Some(_) if first == '\\' => length += rest[1..].chars().next().map_or(0, char::len_utf8),
                Some(quotes) if rest.starts_with(quotes) => {
                    length = quotes.len();
                    self.quotes = None;
                }
                Some(_) => {}
                None if first == '#' => return,
                None if first == '\\' => self.continues = true,
                None => {
                    self.quotes = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quotes| rest.starts_with(quotes));
                    length = self.quotes.map_or(length, str::len);
                    match first {
                        '(' | '[' | '{' => self.depth += 1,
                        ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
                        _ => {}
                    }
                }
            }
            rest = &rest[length..];
        }
    }
}

/// What a statement is, by its text.
fn kind(text: &str) -> Result<Kind, String> {
    let first_line = text.lines().next().unwrap_or_default();
    if text.trim().is_empty() || text.starts_with(['#', '"', '@', '\n']) {
        return Ok(Kind::Nothing);
    }
    if first_line == "if __name__ == \"__main__\":" {
        return Ok(Kind::Main);
    }
    let words: Vec<&str> = first_line.split_whitespace().collect();
    let name = |word: &str| vec![word.chars().take_while(|one| is_name(*one)).collect::<String>()];
    match words.as_slice() {
        ["def" | "class", defined, ..] | ["async", "def", defined, ..] => Ok(Kind::Defines(name(defined))),
        ["import", ..] => Ok(Kind::Imports(imported(&text["import".len()..])?)),
        ["from", module, "import", ..] => {
            let names = text.split_once(" import ").map(|(_, names)| names).unwrap_or_default();
            Ok(Kind::ImportsFrom((*module).to_owned(), imported(names)?))
        }
        _ => assigned(text).map(Kind::Defines).ok_or_else(|| {
            format!("`{first_line}`: only imports, definitions, assignments and the main block may be at the top level")
        }),
    }
}

/// The names in a list of imports, which may be in parentheses and have comments.
fn imported(list: &str) -> Result<Vec<String>, String> {
    let list: String = list.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    let names = list.trim().trim_start_matches('(').trim_end_matches(')').split(',').map(str::trim);
    let names: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match names.iter().find(|name| !name.chars().all(|one| is_name(one) || one == '.')) {
        Some(name) => Err(format!("`import {name}`: import it by its own name")),
        None => Ok(names),
    }
}

/// The names that an assignment defines: `A = 1`, `A: int = 1`, `A, B = 1, 2`.
fn assigned(text: &str) -> Option<Vec<String>> {
    let end = text.find([':', '='])?;
    let names: Vec<String> = text[..end].split(',').map(|name| name.trim().to_owned()).collect();
    let are_names = names.iter().all(|name| !name.is_empty() && name.chars().all(is_name));
    (are_names && text.contains('=') && !text[end..].starts_with("==")).then_some(names)
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
