//! What changed between two plans, for people.

use serde_json::Value;

use crate::core::Plan;

/// How many changes are listed.
const LISTED: usize = 8;

/// The changes, one a line, with a leading newline; empty when the earlier plan is gone.
pub fn between(before: Option<&Plan>, after: &Plan) -> String {
    let Some(before) = before else { return String::new() };
    let (Ok(before), Ok(after)) = (serde_json::to_value(before), serde_json::to_value(after)) else {
        return String::new();
    };
    let mut changes = Vec::new();
    collect("", &before, &after, &mut changes);
    let more = changes.len().saturating_sub(LISTED);
    let rest = (more > 0).then(|| format!("and {more} more"));
    changes.into_iter().take(LISTED).chain(rest).flat_map(|change| ["\n  ".to_owned(), change]).collect::<String>()
}

fn collect(path: &str, before: &Value, after: &Value, changes: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                collect(&join(path, key), value, new.get(key).unwrap_or(&Value::Null), changes);
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                collect(&join(path, key), &Value::Null, value, changes);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                collect(&join(path, &index.to_string()), old, new, changes);
            }
        }
        _ if before != after => changes.push(format!("{path}: {} -> {}", brief(before), brief(after))),
        _ => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
