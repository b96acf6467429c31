//! A token that somebody wrote into the rollout itself is a mistake to report, not a text to print.

use super::diagnostic::Diagnostic;
use super::lint::{is_identifier, is_secret};
use super::source::Source;
use super::tree::{Node, Span, Value};

/// What stands on a line that may hold a token, when there is no tree to ask.
const HINTS: [&str; 4] = ["auth", "token", "password", "secret"];

/// ElastiCache takes 16 characters at least; shorter words are also words of our own messages.
const SHORTEST_TOKEN: usize = 8;

/// A token has one. What stands on later lines is only unread.
const MOST_LINES: usize = 20;

/// Takes what may be a token out of what is printed about a file that could not be read to its end.
pub fn redact_lines(found: &mut [Diagnostic]) {
    for mistake in found {
        let line = mistake.snippet.to_lowercase();
        if HINTS.iter().any(|hint| line.contains(hint)) {
            mistake.snippet.clear();
        }
    }
}

/// Takes what may be a token out of what is printed about a rollout: every value under `cache.auth` that is not a
/// legal name where a name belongs.
pub fn redact_auth(source: &Source, root: &Node, found: &mut [Diagnostic]) {
    let Some(auth) = root.get("cache").and_then(|cache| cache.get("auth")) else { return };
    let mut suspects = Vec::new();
    collect(auth, None, &mut suspects);
    for span in suspects {
        let (first, last) = (source.line_of(span.start), source.line_of(span.end));
        if first < last {
            // Over several lines it is not worth the risk to tell a token from what stands around it.
            found.iter_mut().filter(|mistake| (first..=last).contains(&mistake.line)).for_each(|mistake| {
                mistake.snippet.clear();
            });
        }
        for line in source.slice(span).lines().take(MOST_LINES) {
            hide(line.trim().trim_matches(['"', '\'']), found);
        }
    }
}

/// Takes a text out of everything that is printed.
fn hide(inside: &str, found: &mut [Diagnostic]) {
    if inside.len() < SHORTEST_TOKEN {
        return;
    }
    let mask: String = inside.chars().map(|_| '*').collect();
    for mistake in found {
        // The same length, so that carets stay in place.
        mistake.snippet = mistake.snippet.replace(inside, &mask);
        mistake.message = mistake.message.replace(inside, "…");
        for text in [&mut mistake.why, &mut mistake.help].into_iter().flatten() {
            *text = text.replace(inside, "…");
        }
    }
}

fn collect(node: &Node, key: Option<&str>, suspects: &mut Vec<Span>) {
    match (&node.value, key) {
        (Value::Map(entries), _) => {
            entries.iter().for_each(|entry| collect(&entry.value, Some(&entry.key.text), suspects));
        }
        (Value::List(items), _) => items.iter().for_each(|item| collect(item, None, suspects)),
        (Value::Text(name), Some("secrets_manager")) if is_secret(name) => {}
        (Value::Text(name), Some("environment")) if is_identifier(name) => {}
        (Value::Text(word), None) if word == "none" => {}
        (Value::Text(_) | Value::Number(_) | Value::Refused, _) => suspects.push(node.span),
        _ => {}
    }
}
