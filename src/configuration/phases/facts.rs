//! Facts over all phases: each is provided before it is used.

use super::steps::StepDocument;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::suggest::nearest;
use crate::core::{Availability, FactName, KindEntry};

/// Checks the steps of all phases, in order, each with the file it is from. Where steps could not be read there is a
/// gap: one of them may be the one that provides a fact.
pub fn check_facts(steps: &[Option<(&Source, &StepDocument)>], entries: &[KindEntry]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let first_gap = steps.iter().position(Option::is_none).unwrap_or(steps.len());
    for (position, step) in steps.iter().enumerate() {
        let Some((source, document)) = step else { continue };
        let (earlier, later) = steps.split_at(position);
        let (earlier, later) = (|| earlier.iter().flatten(), || later.iter().flatten());
        for reference in &document.references {
            let has_it = |other: &StepDocument| other.step.provides.contains(&reference.fact);
            let provides = |(_, other): &&(&Source, &StepDocument)| has_it(other) && is_known_to(other, document);
            let may_be_in_a_gap =
                position > first_gap && entries.iter().any(|entry| entry.provides.contains(&reference.fact));
            if may_be_in_a_gap || earlier().any(|other| provides(&other)) {
                continue;
            }
            let text = format!("${{{}}}", reference.fact);
            if earlier().any(|(_, other)| has_it(other)) {
                found.push(fact_of_a_target(source, reference.span, &text));
                continue;
            }
            found.push(match later().find(provides) {
                Some((_, provider)) => later_fact(source, document, reference.span, &text, provider),
                None => {
                    let known: Vec<&FactName> = earlier()
                        .filter(|(_, other)| is_known_to(other, document))
                        .flat_map(|(_, other)| &other.step.provides)
                        .collect();
                    source
                        .error(
                            Code::PhasesUnknownFact,
                            reference.span,
                            format!("no earlier step provides {}", quoted(&text)),
                        )
                        .help(unknown_help(&reference.fact, &known, entries))
                }
            });
        }
    }
    found
}

/// What a step under `each_target` learns is about one target: only steps for that target know it.
fn is_known_to(provider: &StepDocument, user: &StepDocument) -> bool {
    provider.block.is_none() || provider.block == user.block
}

fn fact_of_a_target(source: &Source, span: crate::configuration::tree::Span, text: &str) -> Diagnostic {
    source
        .error(Code::PhasesFactOfATarget, span, format!("{} is known only under its `each_target`", quoted(text)))
        .because("every target has its own, and this step is for none of them")
        .help("move this step under that `each_target`, or the step that provides the fact before it")
}

fn later_fact(
    source: &Source,
    user: &StepDocument,
    span: crate::configuration::tree::Span,
    text: &str,
    provider: &StepDocument,
) -> Diagnostic {
    if std::ptr::eq(user, provider) {
        return source
            .error(Code::PhasesLaterFact, span, format!("the step itself provides {}", quoted(text)))
            .help("remove the reference, or refer to a fact of an earlier step");
    }
    let built = match provider.step.availability {
        Availability::Built => "",
        Availability::NotBuiltYet => ", a kind that this `migrate` cannot run yet",
    };
    let (id, kind) = (&provider.step.id, &provider.step.kind);
    let (step, moved) = match provider.id_span {
        Some(_) => (format!("the step `{id}`"), format!("`{id}`")),
        None => (format!("a step of {}", provider.step.phase), "it".to_owned()),
    };
    source
        .error(Code::PhasesLaterFact, span, format!("{} is not known here yet", quoted(text)))
        .because(format!("{step} provides it (`{kind}`{built}), and it comes later"))
        .help(format!("move {moved} before this step"))
}

fn unknown_help(fact: &FactName, known: &[&FactName], entries: &[KindEntry]) -> String {
    if let Some(near) = nearest(fact.as_str(), known.iter().map(|name| name.as_str())) {
        return format!("did you mean \"${{{near}}}\"?");
    }
    if let Some(entry) = entries.iter().find(|entry| entry.provides.contains(fact)) {
        return format!("add a step of the kind `{}` before this one: it provides the fact", entry.kind);
    }
    let mut names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        "no fact is known at this step; write the value out".to_owned()
    } else {
        format!("the facts known at this step are {}", names.join(", "))
    }
}
