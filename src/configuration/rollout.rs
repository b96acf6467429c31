//! rollout.yaml: text to a checked [`Rollout`].

use std::path::Path;

use serde_path_to_error::Segment;

use super::check::{Place, Walker};
use super::diagnostic::{Code, Diagnostic, Severity};
use super::redact::{redact_auth, redact_lines};
use super::source::Source;
use super::tree::{Node, Value, parse};
use super::{lint, schema};
use crate::core::rollout::Rollout;

/// What came of a rollout's file.
#[derive(Debug, Default)]
pub struct RolloutDocument {
    /// The rollout, when it can be used.
    pub rollout: Option<Rollout>,
    /// The file as far as it is right, when it could be read: every wrong value is refused in it.
    pub right: Option<Node>,
}

/// Reads the whole file and reports everything that is wrong with it. A rollout comes out only without errors.
///
/// Relative paths in the file start at `base`; without one, whether they exist is not looked at.
pub fn read_rollout(source: &Source, base: Option<&Path>) -> (RolloutDocument, Vec<Diagnostic>) {
    let (root, mut found) = parse(source);
    let Some(root) = root else {
        redact_lines(&mut found);
        return (RolloutDocument::default(), found);
    };
    let (document, mut found) = read_tree(source, &root, found, base);
    if root.is_unfinished() {
        redact_lines(&mut found);
    }
    redact_auth(source, &root, &mut found);
    (document, found)
}

fn read_tree(
    source: &Source,
    root: &Node,
    mut found: Vec<Diagnostic>,
    base: Option<&Path>,
) -> (RolloutDocument, Vec<Diagnostic>) {
    match version(source, root) {
        // Nothing else that could be said about a file of another version would be true.
        Version::Other(mistake) => return (RolloutDocument::default(), vec![*mistake]),
        Version::Unread => return (RolloutDocument::default(), found),
        Version::Ours => {}
    }
    let schema = schema::schema();
    let (right, mistakes) = Walker::new(source, &schema).run(root, &whole_file(root));
    found.extend(mistakes);
    let mut rollout = None;
    if found.iter().all(|mistake| mistake.severity != Severity::Error) {
        match typed(source, &right) {
            Ok(read) => rollout = Some(read),
            Err(mistake) => found.push(*mistake),
        }
    }
    found.extend(lint::lint(source, &right, base));
    (RolloutDocument { rollout, right: Some(right) }, found)
}

/// How the top of a file is called and where it is.
pub fn whole_file(root: &Node) -> Place {
    let anchor = match &root.value {
        Value::Map(entries) => entries.first().map_or(root.span, |entry| entry.key.span),
        _ => root.span,
    };
    Place { name: "the file".into(), anchor, optional: false }
}

/// What a file says about the version of its grammar.
pub enum Version {
    /// Ours, or nothing that makes sense.
    Ours,
    /// Another one, which is the mistake.
    Other(Box<Diagnostic>),
    /// The reader stopped before it.
    Unread,
}

/// The version of a file.
pub fn version(source: &Source, root: &Node) -> Version {
    let Some(version) = root.get("version") else {
        return if root.is_unfinished() { Version::Unread } else { Version::Ours };
    };
    let number = match &version.value {
        Value::Number(number) => number.as_u64(),
        _ => None,
    };
    let Some(number) = number.filter(|number| *number != schema::VERSION) else { return Version::Ours };
    let message = format!("the file is version {number}, and this `migrate` reads version {}", schema::VERSION);
    let help = if number > schema::VERSION { "use a newer `migrate`" } else { "write `version: 1`" };
    Version::Other(source.error(Code::GrammarVersion, version.span, message).help(help).into())
}

/// The file's values as a rollout. What the schema let pass may still be refused by the types: the mistake, where it is written.
fn typed(source: &Source, right: &Node) -> Result<Rollout, Box<Diagnostic>> {
    serde_path_to_error::deserialize(right.to_json()).map_err(|error| {
        let steps = error.path().iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        });
        let path = steps.collect::<Vec<String>>().join(".");
        source.error(Code::GrammarWrongForm, right.locate(&path), error.into_inner().to_string()).into()
    })
}
