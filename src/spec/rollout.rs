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

/// Reads the whole file and reports everything that is wrong with it. A rollout comes out only without errors.
///
/// Relative paths in the file start at `base`; without one, whether they exist is not looked at.
pub fn read_rollout(source: &Source, base: Option<&Path>) -> (Option<Rollout>, Vec<Diagnostic>) {
    let (root, mut found) = parse(source);
    let Some(root) = root else {
        redact_lines(&mut found);
        return (None, found);
    };
    let (rollout, mut found) = read_tree(source, &root, found, base);
    redact_auth(source, &root, &mut found);
    (rollout, found)
}

fn read_tree(
    source: &Source,
    root: &Node,
    mut found: Vec<Diagnostic>,
    base: Option<&Path>,
) -> (Option<Rollout>, Vec<Diagnostic>) {
    if let Some(mistake) = newer_version(source, root) {
        // Nothing else that could be said about a file of another version would be true.
        return (None, vec![mistake]);
    }
    let schema = schema::schema();
    found.extend(Walker::new(source, &schema).run(root, &whole_file(root)));
    if found.iter().any(|mistake| mistake.severity == Severity::Error) {
        return (None, found);
    }
    match yaml::from_str::<Rollout>(source.text()) {
        Ok(rollout) => {
            found.extend(lint::lint(source, root, &rollout, base));
            (Some(rollout), found)
        }
        Err(error) => {
            found.push(refused(source, root, &error));
            (None, found)
        }
    }
}

/// How the top of a file is called and where it is.
pub fn whole_file(root: &Node) -> Place {
    let anchor = match &root.value {
        Value::Map(entries) => entries.first().map_or(root.span, |entry| entry.key.span),
        _ => root.span,
    };
    Place { name: "the file".into(), anchor, optional: false }
}

/// A version other than ours.
pub fn newer_version(source: &Source, root: &Node) -> Option<Diagnostic> {
    let version = root.get("version")?;
    let Value::Number(number) = &version.value else { return None };
    let number = number.as_u64()?;
    (number != schema::VERSION).then(|| {
        let message = format!("the file is version {number}, and this `migrate` reads version {}", schema::VERSION);
        let help = if number > schema::VERSION { "use a newer `migrate`" } else { "write `version: 1`" };
        source.error(Code::GrammarVersion, version.span, message).help(help)
    })
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
