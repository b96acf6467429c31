//! Facts over all phases: each is provided before it is used.

use super::steps::StepDocument;
use crate::core::{Availability, FactName, KindEntry};
use crate::spec::diagnostic::quote::quoted;
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::source::Source;
use crate::spec::suggest::nearest;

/// Checks the steps of all phases, in order, each with the file it is from.
pub fn check_facts(steps: &[(&Source, &StepDocument)], entries: &[KindEntry]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (position, (source, document)) in steps.iter().enumerate() {
        let (earlier, later) = steps.split_at(position);
        for reference in &document.references {
            let provides = |(_, other): &&(&Source, &StepDocument)| other.step.provides.contains(&reference.fact);
            if earlier.iter().any(|other| provides(&other)) {
                continue;
            }
            let text = format!("${{{}}}", reference.fact);
            found.push(match later.iter().find(provides) {
                Some((_, provider)) => later_fact(source, document, reference.span, &text, provider),
                None => {
                    let known: Vec<&FactName> = earlier.iter().flat_map(|(_, other)| &other.step.provides).collect();
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

fn later_fact(
    source: &Source,
    user: &StepDocument,
    span: crate::spec::tree::Span,
    text: &str,
    provider: &StepDocument,
) -> Diagnostic {
    let id = &provider.step.id;
    if *id == user.step.id {
        return source
            .error(Code::PhasesLaterFact, span, format!("the step itself provides {}", quoted(text)))
            .help("remove the reference, or refer to a fact of an earlier step");
    }
    let built = match provider.step.availability {
        Availability::Built => "",
        Availability::NotBuiltYet => ", a kind that this `migrate` cannot run yet",
    };
    source
        .error(Code::PhasesLaterFact, span, format!("{} is not known here yet", quoted(text)))
        .because(format!("the step `{id}` provides it (`{}`{built}), and it comes later", provider.step.kind))
        .help(format!("move `{id}` before this step"))
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
