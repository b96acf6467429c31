//! One file of `phases/`.

use std::collections::hash_map::{Entry as MapEntry, HashMap};

use super::blocks::{Block, block_steps, is_block};
use super::steps::{StepDocument, read_step};
use crate::configuration::check::Walker;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::rollout::{Version, version, whole_file};
use crate::configuration::schema::header_schema;
use crate::configuration::source::Source;
use crate::configuration::tree::{Node, Span, Value, parse};
use crate::core::{KindEntry, Phase};

/// A phase's title and its steps.
#[derive(Debug, Clone)]
pub struct PhaseDocument {
    /// What it is called.
    pub title: String,
    /// The steps, in order. Nothing where one or more could not be read.
    pub steps: Vec<Option<StepDocument>>,
}

/// Reads a phase's file and reports everything that is wrong with it by itself.
pub fn read_phase(source: &Source, phase: Phase, entries: &[KindEntry]) -> (PhaseDocument, Vec<Diagnostic>) {
    let mut document = PhaseDocument { title: String::new(), steps: vec![None] };
    let (root, mut found) = parse(source);
    let Some(root) = root else { return (document, found) };
    match version(source, &root) {
        Version::Other(mistake) => return (document, vec![*mistake]),
        Version::Unread => return (document, found),
        Version::Ours => {}
    }
    let header = header_schema();
    let (right, mistakes) = Walker::new(source, &header).run(&root, &whole_file(&root));
    found.extend(mistakes);
    found.extend(number_mismatch(source, &root, phase));
    document.title = right.get("title").and_then(Node::text).unwrap_or_default().to_owned();
    if let Some(steps) = right.get("steps").filter(|steps| steps.value != Value::Refused) {
        document.steps.clear();
        let mut ids = HashMap::new();
        for (item, block) in flat(source, phase, steps.items(), &mut found) {
            let read = item.map(|item| read_step(source, phase, item, entries, block));
            let (step, mistakes) = read.unwrap_or_default();
            found.extend(mistakes);
            if let Some((id, span)) = step.as_ref().and_then(|step| Some((step.step.id.clone(), step.id_span?))) {
                match ids.entry(id) {
                    MapEntry::Occupied(earlier) => found.push(duplicate_id(source, span, *earlier.get())),
                    MapEntry::Vacant(free) => drop(free.insert(span)),
                }
            }
            document.steps.push(step);
        }
    }
    (document, found)
}

/// The steps in order, each with the `each_target` that it stands under. Nothing where some could not be read.
fn flat<'n>(
    source: &Source,
    phase: Phase,
    items: &'n [Node],
    found: &mut Vec<Diagnostic>,
) -> Vec<(Option<&'n Node>, Option<Block>)> {
    let mut steps = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let Some(entry) = is_block(item) else {
            steps.push((Some(item), None));
            continue;
        };
        let (inner, mistakes) = block_steps(source, phase, item, entry);
        found.extend(mistakes);
        let block = Some((phase, position));
        steps.extend(inner.iter().map(|item| (Some(item), block)));
        if inner.is_empty() {
            steps.push((None, block));
        }
    }
    steps
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

fn duplicate_id(source: &Source, span: Span, earlier: Span) -> Diagnostic {
    let id = source.slice(span);
    let line = source.line_of(earlier.start);
    source
        .error(Code::PhasesDuplicateId, span, format!("two steps of this phase have the id {}", quoted(id)))
        .because(format!("the other is on line {line}, and the journal names steps by their id"))
        .help("write another id")
}
