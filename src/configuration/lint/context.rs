//! What a rule sees, and where it reports.

use serde::de::DeserializeOwned;

use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::tree::{Node, Span};

/// Nobody reads more.
const MOST_MISTAKES: usize = 50;

/// One rollout under scrutiny, as far as it is right. A rule asks for the values it is about, each for itself, and has
/// nothing to say when one of them is missing or wrong: that is already reported.
pub struct Context<'a> {
    /// Its values, and where they are.
    pub root: &'a Node,
    source: &'a Source,
    found: Vec<Diagnostic>,
}

impl<'a> Context<'a> {
    pub fn new(source: &'a Source, root: &'a Node) -> Self {
        Self { root, source, found: Vec::new() }
    }

    /// The value with this path, when it is written and right.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        read(self.root.at(path)?)
    }

    /// How many items the list with this path has.
    pub fn count(&self, path: &str) -> usize {
        self.root.at(path).map_or(0, |list| list.items().len())
    }

    /// A mistake at the value with this path.
    pub fn at(&self, code: Code, path: &str, message: impl Into<String>) -> Diagnostic {
        self.mistake(code, self.root.locate(path), message)
    }

    /// A mistake at a place.
    pub fn mistake(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        if self.is_full() {
            // It will not be reported, and looking up its place takes time.
            return Diagnostic::whole_file(code, "", message);
        }
        self.source.error(code, span, message)
    }

    /// The line of the value with this path.
    pub fn line(&self, path: &str) -> u32 {
        self.source.line_of(self.root.locate(path).start)
    }

    /// Reports a mistake.
    pub fn report(&mut self, mistake: Diagnostic) {
        if !self.is_full() {
            self.found.push(mistake);
        }
    }

    /// Whether enough has been found.
    pub fn is_full(&self) -> bool {
        self.found.len() >= MOST_MISTAKES
    }

    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}

/// A value of the tree as one of the grammar's types.
pub fn read<T: DeserializeOwned>(node: &Node) -> Option<T> {
    serde_json::from_value(node.to_json()).ok()
}
