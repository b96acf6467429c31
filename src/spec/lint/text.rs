//! Texts: nothing is expanded, and nothing is empty. Journeys are another matter: a form field may be empty, and they
//! have references of their own.

use super::context::Context;
use crate::spec::diagnostic::quote::quoted;
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::tree::Node;

pub fn check(context: &mut Context<'_>) {
    let mut found = Vec::new();
    for entry in context.root.entries().iter().filter(|entry| entry.key.text != "journeys") {
        entry.value.each_text(&mut |node, text| found.extend(mistake(context, node, text)));
    }
    found.into_iter().for_each(|mistake| context.report(mistake));
}

fn mistake(context: &Context<'_>, node: &Node, text: &str) -> Option<Diagnostic> {
    if text.contains("${") {
        let message = format!("{} would be taken literally", quoted(text));
        let mistake = context
            .source
            .error(Code::RolloutExpansion, node.span, message)
            .because("nothing is expanded in rollout.yaml: what is checked has to be what is used")
            .help("write the value out; references such as ${network.vpc} belong in phases/");
        return Some(mistake);
    }
    let error = |message: &str| context.source.error(Code::RolloutEmptyText, node.span, message);
    text.trim().is_empty().then(|| error("this text is empty").help("write the value"))
}
