//! One file of `phases/`.

use super::steps::{StepDocument, read_step};
use crate::core::{KindEntry, Phase};
use crate::spec::check::Walker;
use crate::spec::diagnostic::quote::quoted;
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::rollout::{newer_version, whole_file};
use crate::spec::schema::header_schema;
use crate::spec::source::Source;
use crate::spec::tree::{Node, Value, parse};

/// A phase's title and those of its steps that are right.
#[derive(Debug, Clone, Default)]
pub struct PhaseDocument {
    /// What it is called.
    pub title: String,
    /// The steps, in order.
    pub steps: Vec<StepDocument>,
}

/// Reads a phase's file and reports everything that is wrong with it by itself.
pub fn read_phase(source: &Source, phase: Phase, entries: &[KindEntry]) -> (PhaseDocument, Vec<Diagnostic>) {
    let mut document = PhaseDocument::default();
    let (root, mut found) = parse(source);
    let Some(root) = root else { return (document, found) };
    if let Some(mistake) = newer_version(source, &root) {
        return (document, vec![mistake]);
    }
    let header = header_schema();
    found.extend(Walker::new(source, &header).run(&root, &whole_file(&root)));
    found.extend(number_mismatch(source, &root, phase));
    document.title = root.get("title").and_then(Node::text).unwrap_or_default().to_owned();
    for item in root.get("steps").map(Node::items).unwrap_or_default() {
        let (step, mistakes) = read_step(source, phase, item, entries);
        found.extend(mistakes);
        let Some(step) = step else { continue };
        match document.steps.iter().find(|earlier| earlier.step.id == step.step.id) {
            Some(earlier) => found.push(duplicate_id(source, &step, earlier)),
            None => document.steps.push(step),
        }
    }
    (document, found)
}

fn number_mismatch(source: &Source, root: &Node, phase: Phase) -> Option<Diagnostic> {
    let node = root.get("phase")?;
    let Value::Number(number) = &node.value else { return None };
    let number = number.as_u64().filter(|number| *number <= 4 && *number != u64::from(phase.number()))?;
    let wanted = phase.number();
    Some(
        source
            .error(
                Code::PhasesNumberMismatch,
                node.span,
                format!("the file's name says phase {wanted}, and this says {number}"),
            )
            .help(format!("write `phase: {wanted}`, or rename the file")),
    )
}

fn duplicate_id(source: &Source, step: &StepDocument, earlier: &StepDocument) -> Diagnostic {
    let id = source.slice(step.id_span);
    let line = source.line_of(earlier.id_span.start);
    source
        .error(Code::PhasesDuplicateId, step.id_span, format!("two steps of this phase have the id {}", quoted(id)))
        .because(format!("the other is on line {line}, and the journal names steps by their id"))
        .help("write another id")
}
