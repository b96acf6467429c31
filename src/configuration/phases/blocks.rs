//! `each_target`: steps that are repeated for every production target, in the order in which rollout.yaml has them.

use std::ops::Range;

use super::steps::StepDocument;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::tree::{Entry, Node, Value};
use crate::core::rollout::Rollout;
use crate::core::{Phase, PlannedStep, StepId, TargetName};

/// The key that is no kind.
pub const EACH_TARGET: &str = "each_target";

/// Which `each_target` of which phase a step stands under.
pub type Block = (Phase, usize);

/// Whether a step's map is an `each_target`.
pub fn is_block(item: &Node) -> Option<&Entry> {
    let Value::Map(entries) = &item.value else { return None };
    entries.first().filter(|entry| entry.key.text == EACH_TARGET)
}

/// The steps under an `each_target`, and what is wrong with it as a whole. No steps when they cannot be read.
pub fn block_steps<'n>(
    source: &Source,
    phase: Phase,
    item: &'n Node,
    entry: &'n Entry,
) -> (&'n [Node], Vec<Diagnostic>) {
    let mut found = Vec::new();
    if phase != Phase::Production {
        let message = format!("`{EACH_TARGET}` goes through production, and this is {phase}");
        let early = source.error(Code::PhasesEarlyProduction, entry.key.span, message);
        found.push(early.because("production is not touched before phase 4").help("move the steps to phase 4"));
    }
    if let Value::Map(entries) = &item.value
        && let Some(second) = entries.get(1).filter(|second| !second.is_rest())
    {
        let message = format!("a step is a map with a single key, and `{}` is a second one", second.key.text);
        let form = source.error(Code::PhasesEachTarget, second.key.span, message);
        found.push(form.help(format!("indent it under `{EACH_TARGET}:`, or begin another step with `- `")));
    }
    let steps = match &entry.value.value {
        Value::List(items) if !items.is_empty() => items.as_slice(),
        Value::Refused => &[],
        _ => {
            let message = format!("`{EACH_TARGET}` is a list of steps");
            let form = source.error(Code::PhasesEachTarget, entry.key.span, message);
            found.push(
                form.help(format!("write `- {EACH_TARGET}:`, and below it, indented, `- kind: {{ id: name, … }}`")),
            );
            &[]
        }
    };
    (steps, found)
}

/// The steps of the plan: what stands under `each_target` once for each target, everything at this site.
pub fn expand(documents: &[StepDocument], rollout: &Rollout) -> Vec<PlannedStep> {
    let mut steps = Vec::new();
    for run in runs(documents) {
        let run = &documents[run];
        match run.first().and_then(|document| document.block) {
            None => steps.extend(run.iter().map(|document| resolved(document, None, rollout))),
            Some(_) => {
                for target in &rollout.production.targets {
                    let name = TargetName::new(target.name.as_str());
                    steps.extend(run.iter().map(|document| resolved(document, Some(&name), rollout)));
                }
            }
        }
    }
    steps
}

/// Neighbours that stand under the same block, or under none.
fn runs(documents: &[StepDocument]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (position, document) in documents.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if documents[run.start].block == document.block => run.end = position + 1,
            _ => runs.push(position..position + 1),
        }
    }
    runs
}

fn resolved(document: &StepDocument, target: Option<&TargetName>, rollout: &Rollout) -> PlannedStep {
    let mut step = document.step.clone();
    let named = |id: &str| match target {
        Some(target) => StepId::new(format!("{}.{target}.{id}", step.phase.number())),
        None => StepId::new(format!("{}.{id}", step.phase.number())),
    };
    let (id, guards) = (named(&document.id), document.guards.as_ref().map(|(guarded, _)| named(guarded)));
    (step.id, step.guards, step.target) = (id, guards, target.cloned());
    step.contract = step.contract.on(rollout);
    if let (Some(target), Some(settings)) = (target, step.settings.as_object_mut()) {
        settings.insert("target".to_owned(), target.as_str().into());
    }
    step
}
