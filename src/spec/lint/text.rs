//! Texts: nothing is expanded, and nothing is empty. Journeys are another matter: a form field may be empty, and they
//! have references of their own.

use super::context::Context;
use crate::spec::diagnostic::Code;
use crate::spec::diagnostic::quote::quoted;

pub fn check(context: &mut Context<'_>) {
    let mut found = Vec::new();
    let outside = context.root.entries().iter().filter(|entry| entry.key.text != "journeys");
    outside.for_each(|entry| {
        entry.value.each_text(&mut |node, text| {
            if text.contains("${") {
                let message = format!("{} would be taken literally", quoted(text));
                found.push(
                    context
                        .source
                        .error(Code::RolloutExpansion, node.span, message)
                        .because("nothing is expanded in rollout.yaml: what is checked has to be what is used")
                        .help("write the value out; references such as ${network.vpc} belong in phases/"),
                );
            } else if text.trim().is_empty() {
                found.push(
                    context
                        .source
                        .error(Code::RolloutEmptyText, node.span, "this text is empty")
                        .help("write the value"),
                );
            }
        })
    });
    found.into_iter().for_each(|mistake| context.report(mistake));
}
