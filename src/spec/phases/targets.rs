//! The targets that steps name, against the rollout.

use super::steps::StepDocument;
use crate::core::rollout::{Rollout, STAGING};
use crate::core::{Phase, TargetName};
use crate::spec::diagnostic::quote::{alternatives, quoted};
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::source::Source;
use crate::spec::suggest::nearest;

/// Checks that every named target exists, and that production is not named before phase 4.
pub fn check_targets(steps: &[(&Source, &StepDocument)], rollout: &Rollout) -> Vec<Diagnostic> {
    let names = rollout.target_names();
    steps.iter().filter_map(|(source, document)| check(source, document, &names)).collect()
}

fn check(source: &Source, document: &StepDocument, names: &[TargetName]) -> Option<Diagnostic> {
    let (target, span) = document.target.as_ref()?;
    if !names.iter().any(|name| name.as_str() == target) {
        let near = nearest(target, names.iter().map(TargetName::as_str));
        let all = alternatives(names.iter().map(TargetName::as_str));
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
