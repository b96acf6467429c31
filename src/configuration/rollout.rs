//! rollout.yaml: text to a checked [`Rollout`].

use std::path::Path;

use serde_yaml as yaml;

use super::check::{Place, Walker};
use super::diagnostic::{Code, Diagnostic, Severity};
use super::redact::{redact_auth, redact_lines};
use super::source::Source;
use super::tree::{Node, Span, Value, parse};
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
        match yaml::from_str::<Rollout>(source.text()) {
            Ok(read) => rollout = Some(read),
            Err(error) => found.push(refused(source, root, &error)),
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

/// The types refuse what the schema let pass. The reader behind them says where.
fn refused(source: &Source, root: &Node, error: &yaml::Error) -> Diagnostic {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let place = error.location().filter(|location| location.line() > 0);
    let span = place.map_or(Span::new(0, 0), |location| {
        let span = source.span_at(narrow(location.line()), narrow(location.column()));
        root.starting_at(span.start).map_or(span, |node| node.span)
    });
    let text = error.without_snippet().to_string();
    let line = text.lines().next().unwrap_or_default();
    let message = line.rsplit_once(" at line ").map_or(line, |(message, _)| message);
    source.error(Code::GrammarWrongForm, span, message)
}
