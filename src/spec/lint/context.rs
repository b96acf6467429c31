//! What a rule sees, and where it reports.

use crate::core::rollout::Rollout;
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::source::Source;
use crate::spec::tree::Node;

/// One rollout under scrutiny.
pub struct Context<'a> {
    /// The file.
    pub source: &'a Source,
    /// Where its values are.
    pub root: &'a Node,
    /// What they are.
    pub rollout: &'a Rollout,
    found: Vec<Diagnostic>,
}

impl<'a> Context<'a> {
    pub fn new(source: &'a Source, root: &'a Node, rollout: &'a Rollout) -> Self {
        Self { source, root, rollout, found: Vec::new() }
    }

    /// A mistake at the value with this path.
    pub fn at(&self, code: Code, path: &str, message: impl Into<String>) -> Diagnostic {
        self.source.error(code, self.root.locate(path), message)
    }

    /// The line of the value with this path.
    pub fn line(&self, path: &str) -> u32 {
        self.source.line_of(self.root.locate(path).start)
    }

    /// Reports a mistake.
    pub fn report(&mut self, mistake: Diagnostic) {
        self.found.push(mistake);
    }

    pub fn into_found(self) -> Vec<Diagnostic> {
        self.found
    }
}
