//! One step: `- kind: { id: x, ... }`.

use serde_json::Value as Json;

use super::blocks::{Block, EACH_TARGET};
use super::references::{Reference, references};
use crate::configuration::check::{Place, Walker};
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::schema::{body_schema, repeated_schema};
use crate::configuration::source::Source;
use crate::configuration::suggest::nearest;
use crate::configuration::tree::{Entry, Node, Span, Value};
use crate::core::{KindEntry, Phase, PlannedStep, StepId};

/// A step of a known kind, and where it uses facts. When anything about it is wrong, its settings are what is right.
#[derive(Debug, Clone)]
pub struct StepDocument {
    /// What is planned; under `each_target`, for no target yet.
    pub step: PlannedStep,
    /// Its id, as written.
    pub id: String,
    /// The step it guards, and where.
    pub guards: Option<(String, Span)>,
    /// The `each_target` it stands under.
    pub block: Option<Block>,
    /// Where its id is written, when that is right.
    pub id_span: Option<Span>,
    /// The facts it uses.
    pub references: Vec<Reference>,
    /// The target it names, and where.
    pub target: Option<(String, Span)>,
}

/// The kind that runs scripts, on the target it names.
pub const COMMAND: &str = "command";

/// The key that every step has.
const ID: &str = "id";

/// The key of gates that undo something.
const GUARDS: &str = "guards";

/// Reads one step. Nothing comes out when its kind is not known.
pub fn read_step(
    source: &Source,
    phase: Phase,
    item: &Node,
    entries: &[KindEntry],
    block: Option<Block>,
) -> (Option<StepDocument>, Vec<Diagnostic>) {
    let entry = match single_key(source, item) {
        Ok(entry) => entry,
        Err(mistake) => return (None, mistake.into_iter().map(|mistake| *mistake).collect()),
    };
    let kind = entry.key.text.as_str();
    if block.is_some() && kind == EACH_TARGET {
        let message = format!("`{EACH_TARGET}` inside of `{EACH_TARGET}`");
        let mistake = source.error(Code::PhasesEachTarget, entry.key.span, message);
        return (None, vec![mistake.help("write its steps one level further out")]);
    }
    let Some(known) = entries.iter().find(|known| known.kind.as_str() == kind) else {
        return (None, vec![unknown_kind(source, entry, entries)]);
    };
    let schema = match block {
        None => body_schema(known),
        Some(_) => match repeated_schema(known) {
            Some(schema) => schema,
            None => return (None, vec![not_repeatable(source, entry)]),
        },
    };
    let place = Place { name: quoted(kind), anchor: entry.key.span, optional: false };
    let (right, mut found) = Walker::new(source, &schema).run(&entry.value, &place);
    let (used, broken) = references(source, kind, &entry.value);
    // Where a reference is broken, its form is wrong too; the first says it better.
    let within = |inner: &Diagnostic, outer: &Diagnostic| {
        inner.line == outer.line && inner.column >= outer.column && inner.end <= outer.end
    };
    found.retain(|mistake| !broken.iter().any(|reference| within(reference, mistake)));
    found.extend(broken);
    let id = right.get(ID).and_then(|id| Some((id.text()?, id.span)));
    let written = id.map(|(text, _)| text.to_owned()).unwrap_or_default();
    let step = PlannedStep {
        id: StepId::new(format!("{}.{written}", phase.number())),
        phase,
        kind: known.kind.clone(),
        settings: settings(&right),
        contract: known.contract,
        availability: known.availability,
        requires: distinct(&used),
        provides: known.provides.clone(),
        guards: None,
        target: None,
    };
    let target = right.get("target").filter(|_| kind == COMMAND);
    let target = target.and_then(|node| node.text().map(|name| (name.to_owned(), node.span)));
    let guards = right.get(GUARDS).and_then(|node| Some((node.text()?.to_owned(), node.span)));
    let id_span = id.map(|(_, span)| span);
    (Some(StepDocument { step, id: written, guards, block, id_span, references: used, target }), found)
}

/// A kind whose steps cannot be told which target they are for.
fn not_repeatable(source: &Source, entry: &Entry) -> Diagnostic {
    let message = format!("{} cannot be repeated for every target", quoted(&entry.key.text));
    source
        .error(Code::PhasesEachTarget, entry.key.span, message)
        .because("it has no setting `target`, so it would do the same thing again for each of them")
        .help(format!("write the step once, before or after `{EACH_TARGET}`"))
}

/// The body less the keys that every step, or every gate, has.
fn settings(body: &Node) -> Json {
    let mut settings = body.to_json();
    if let Some(map) = settings.as_object_mut() {
        map.remove(ID);
        map.remove(GUARDS);
    }
    settings
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
            [rest] if rest.is_rest() => Err(None),
            [only] => Ok(only),
            [only, rest] if rest.is_rest() => Ok(only),
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
