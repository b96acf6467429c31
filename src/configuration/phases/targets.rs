//! The targets that steps name, against the rollout.

use super::steps::StepDocument;
use crate::configuration::diagnostic::quote::{alternatives, quoted};
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::suggest::nearest;
use crate::configuration::tree::Node;
use crate::core::Phase;
use crate::core::rollout::STAGING;

/// The targets of a rollout.
struct Known<'r> {
    names: Vec<&'r str>,
    /// Whether these are all: none of the others is written wrongly.
    all: bool,
}

/// Checks that every named target exists, and that production is not named before phase 4. In `rollout`, every wrong
/// value is refused.
pub fn check_targets(steps: &[Option<(&Source, &StepDocument)>], rollout: &Node) -> Vec<Diagnostic> {
    let targets = rollout.at("production.targets").map(Node::items).unwrap_or_default();
    let production = targets.iter().filter_map(|target| target.get("name").and_then(Node::text));
    let names: Vec<&str> = std::iter::once(STAGING).chain(production).collect();
    let all = !targets.is_empty() && names.len() == targets.len() + 1;
    let known = Known { names, all };
    steps.iter().flatten().filter_map(|(source, document)| check(source, document, &known)).collect()
}

fn check(source: &Source, document: &StepDocument, known: &Known<'_>) -> Option<Diagnostic> {
    let (target, span) = document.target.as_ref()?;
    let names = || known.names.iter().copied();
    if !names().any(|name| name == target) {
        if !known.all {
            return None;
        }
        let near = nearest(target, names());
        let all = alternatives(names());
        let help = near.map_or_else(|| format!("write {all}"), |near| format!("did you mean `{near}`? Write {all}"));
        let message = format!("there is no target {}", quoted(target));
        return Some(source.error(Code::PhasesUnknownTarget, *span, message).help(help));
    }
    if target == STAGING || document.step.phase == Phase::Production {
        return None;
    }
    let message = format!("{} is production, and this is {}", quoted(target), document.step.phase);
    let mistake = source.error(Code::PhasesEarlyProduction, *span, message);
    Some(
        mistake
            .because("production is not touched before phase 4")
            .help("write `target: staging`, or move the step to phase 4"),
    )
}
