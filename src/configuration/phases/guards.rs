//! What gates guard: a step before them, of the same phase and for the same target, that changes something.

use super::steps::StepDocument;
use crate::configuration::diagnostic::quote::{alternatives, quoted};
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::suggest::nearest;

/// Checks the guards of all phases. Where steps could not be read there is a gap: one of them may be the one that is
/// meant.
pub fn check_guards(steps: &[Option<(&Source, &StepDocument)>]) -> Vec<Diagnostic> {
    let check = |(position, step): (usize, &Option<(&Source, &StepDocument)>)| {
        let (source, document) = (*step)?;
        check_one(steps, position, source, document)
    };
    steps.iter().enumerate().filter_map(check).collect()
}

fn check_one(
    steps: &[Option<(&Source, &StepDocument)>],
    position: usize,
    source: &Source,
    document: &StepDocument,
) -> Option<Diagnostic> {
    let (guarded, span) = document.guards.as_ref()?;
    let phase = document.step.phase;
    let of_phase = |step: &&StepDocument| step.step.phase == phase;
    let earlier = || steps[..position].iter().flatten().map(|(_, other)| *other).filter(of_phase);
    let wrong = |message: String| source.error(Code::PhasesGuards, *span, message);
    let name = quoted(guarded);
    let usable: Vec<&str> = earlier()
        .filter(|other| other.block == document.block && other.step.contract.changes())
        .map(|other| other.id.as_str())
        .collect();
    let write = match usable.as_slice() {
        [] => "put the step that it is to undo before it, or remove `guards`".to_owned(),
        ids => format!("write {}", alternatives(ids.iter().copied())),
    };
    if let Some(found) = earlier().find(|other| &other.id == guarded) {
        if found.block != document.block {
            let (message, why) = if found.block.is_some() {
                (
                    format!("{name} is repeated for every target, and this step is not"),
                    "it would not be clear which is undone",
                )
            } else {
                (
                    format!("{name} is not a step of this `each_target`"),
                    "what one target shows would undo what all targets share",
                )
            };
            return Some(wrong(message).because(why).help(write));
        }
        if found.step.contract.changes() {
            return None;
        }
        return Some(
            wrong(format!("{name} changes nothing")).because("what only looks leaves nothing to undo").help(write),
        );
    }
    let mut later = steps[position..].iter().flatten().filter(|(_, other)| of_phase(other));
    if later.any(|(_, other)| &other.id == guarded) {
        let message = format!("{name} does not come before this step");
        return Some(wrong(message).because("what a step guards is done before it is judged").help(write));
    }
    if steps[..position].iter().any(Option::is_none) {
        return None;
    }
    let help = match nearest(guarded, usable.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => write,
    };
    Some(wrong(format!("there is no step {name} before this one in {phase}")).help(help))
}
