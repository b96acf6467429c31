//! `${...}` in a step's settings.

use super::steps::COMMAND;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::tree::{Node, Span};
use crate::core::FactName;

/// A use of a fact.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The fact.
    pub fact: FactName,
    /// Where it is used.
    pub span: Span,
}

/// Finds every reference in a step's settings, and every `${` that is not one. In scripts, `${HOME}` is the shell's.
pub fn references(source: &Source, kind: &str, settings: &Node) -> (Vec<Reference>, Vec<Diagnostic>) {
    let (mut used, mut broken) = (Vec::new(), Vec::new());
    settings.each_text(&mut |node, text| match FactName::from_reference(text) {
        Some(fact) => used.push(Reference { fact, span: node.span }),
        None => {
            if let Some(inside) = text.split_once("${").map(|(_, rest)| rest)
                && (kind != COMMAND || names_a_fact(inside))
            {
                broken.push(mistake(source, node, text));
            }
        }
    });
    (used, broken)
}

/// Whether what follows `${` is a fact's name. No shell variable has a dot in its name.
fn names_a_fact(inside: &str) -> bool {
    inside.split_once('}').is_some_and(|(name, _)| FactName::from_reference(&format!("${{{name}}}")).is_some())
}

fn mistake(source: &Source, node: &Node, text: &str) -> Diagnostic {
    let slice = source.slice(node.span);
    let span = match slice.find("${") {
        Some(start) => {
            let length = slice[start..].find('}').map_or(2, |end| end + 1);
            let offset = node.span.start as usize + start;
            Span::new(offset, offset + length)
        }
        // Written with an escape, so that the text of the file differs from the value.
        None => node.span,
    };
    source
        .error(Code::PhasesBrokenReference, span, format!("{} is not one whole reference", quoted(text)))
        .because("a reference is a value by itself; it is not part of a longer text, and there are no expressions")
        .help("write \"${word.word}\" and nothing else, in lower case, such as \"${cluster.endpoint}\"")
}
