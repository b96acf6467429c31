//! One step: `- kind: { id: x, ... }`.

use serde_json::Value as Json;

use super::references::{Reference, references};
use crate::core::{KindEntry, Phase, PlannedStep, StepId};
use crate::spec::check::{Place, Walker};
use crate::spec::diagnostic::quote::quoted;
use crate::spec::diagnostic::{Code, Diagnostic};
use crate::spec::schema::body_schema;
use crate::spec::source::Source;
use crate::spec::suggest::nearest;
use crate::spec::tree::{Entry, Node, Span, Value};

/// A step that is right by itself, and where it uses facts.
#[derive(Debug, Clone)]
pub struct StepDocument {
    /// What is planned.
    pub step: PlannedStep,
    /// Where its id is written.
    pub id_span: Span,
    /// The facts it uses.
    pub references: Vec<Reference>,
    /// The target it names, and where.
    pub target: Option<(String, Span)>,
}

/// The kind that runs scripts, on the target it names.
pub const COMMAND: &str = "command";

/// The key that every step has.
const ID: &str = "id";

/// Reads one step.
pub fn read_step(
    source: &Source,
    phase: Phase,
    item: &Node,
    entries: &[KindEntry],
) -> (Option<StepDocument>, Vec<Diagnostic>) {
    let entry = match single_key(source, item) {
        Ok(entry) => entry,
        Err(mistake) => return (None, mistake.into_iter().map(|mistake| *mistake).collect()),
    };
    let kind = entry.key.text.as_str();
    let Some(known) = entries.iter().find(|known| known.kind.as_str() == kind) else {
        return (None, vec![unknown_kind(source, entry, entries)]);
    };
    let schema = body_schema(known);
    let place = Place { name: quoted(kind), anchor: entry.key.span, optional: false };
    let mut found = Walker::new(source, &schema).run(&entry.value, &place);
    let (used, broken) = references(source, kind, &entry.value);
    // Where a reference is broken, its form is wrong too; the first says it better.
    let within = |inner: &Diagnostic, outer: &Diagnostic| {
        inner.line == outer.line && inner.column >= outer.column && inner.end <= outer.end
    };
    found.retain(|mistake| !broken.iter().any(|reference| within(reference, mistake)));
    found.extend(broken);
    if !found.is_empty() {
        return (None, found);
    }
    let Some(id) = entry.value.get(ID) else { return (None, found) };
    let step = PlannedStep {
        id: StepId::new(format!("{}.{}", phase.number(), id.text().unwrap_or_default())),
        phase,
        kind: known.kind.clone(),
        settings: settings(&entry.value),
        contract: known.contract,
        availability: known.availability,
        requires: distinct(&used),
        provides: known.provides.clone(),
    };
    let target = entry.value.get("target").filter(|_| kind == COMMAND);
    let target = target.and_then(|node| node.text().map(|name| (name.to_owned(), node.span)));
    (Some(StepDocument { step, id_span: id.span, references: used, target }), found)
}

/// The body less the id.
fn settings(body: &Node) -> Json {
    body.entries()
        .iter()
        .filter(|entry| entry.key.text != ID)
        .map(|entry| (entry.key.text.clone(), entry.value.to_json()))
        .collect()
}

fn distinct(used: &[Reference]) -> Vec<crate::core::FactName> {
    let mut names = Vec::new();
    for reference in used {
        if !names.contains(&reference.fact) {
            names.push(reference.fact.clone());
        }
    }
    names
}

/// The kind and the body; `Err(None)` when the mistake is already reported.
fn single_key<'n>(source: &Source, item: &'n Node) -> Result<&'n Entry, Option<Box<Diagnostic>>> {
    let form = "write `- kind: { id: name, … }`, everything else indented under the kind";
    match &item.value {
        Value::Map(entries) => match entries.as_slice() {
            [only] => Ok(only),
            [] => Err(Some(source.error(Code::PhasesStepForm, item.span, "this step is empty").help(form).into())),
            [first, second, ..] => {
                let message =
                    format!("a step is a map with a single key, and {} is a second one", quoted(&second.key.text));
                let why = format!("the key is the step's kind, which is {} here", quoted(&first.key.text));
                Err(Some(source.error(Code::PhasesStepForm, second.key.span, message).because(why).help(form).into()))
            }
        },
        Value::Refused => Err(None),
        _ => Err(Some(
            source.error(Code::PhasesStepForm, item.span, "a step is a map with a single key").help(form).into(),
        )),
    }
}

fn unknown_kind(source: &Source, entry: &Entry, entries: &[KindEntry]) -> Diagnostic {
    let kind = entry.key.text.as_str();
    let near = nearest(kind, entries.iter().map(|known| known.kind.as_str()));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let kinds: Vec<&str> = entries.iter().map(|known| known.kind.as_str()).collect();
            format!("the kinds are {}", kinds.join(", "))
        }
    };
    source
        .error(Code::PhasesUnknownKind, entry.key.span, format!("{} is not a kind of step", quoted(kind)))
        .because("the key of a step's map is its kind")
        .help(help)
}
