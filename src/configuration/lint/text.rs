//! Texts: nothing is expanded, and nothing is empty. Requests of users are another matter: a form field may be empty,
//! and they have references of their own.

use super::context::Context;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::tree::Node;

/// Parts with references of their own, which are checked where they are.
const HAVE_REFERENCES: [&str; 2] = ["journeys", "shared_state"];

pub fn check(context: &mut Context<'_>) {
    let mut texts = Vec::new();
    for entry in context.root.entries().iter().filter(|entry| !HAVE_REFERENCES.contains(&&*entry.key.text)) {
        entry.value.each_text(&mut |node, text| texts.push((node, text)));
    }
    for (node, text) in texts {
        if let Some(mistake) = mistake(context, node, text) {
            context.report(mistake);
        }
    }
}

fn mistake(context: &Context<'_>, node: &Node, text: &str) -> Option<Diagnostic> {
    if text.contains("${") {
        let message = format!("{} would be taken literally", quoted(text));
        let mistake = context
            .mistake(Code::RolloutExpansion, node.span, message)
            .because("nothing is expanded in rollout.yaml: what is checked has to be what is used")
            .help("write the value out; references such as ${network.vpc} belong in phases/");
        return Some(mistake);
    }
    let error = |message: &str| context.mistake(Code::RolloutEmptyText, node.span, message);
    text.trim().is_empty().then(|| error("this text is empty").help("write the value"))
}
