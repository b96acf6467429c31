//! Diagnostics as GitHub workflow commands, which GitHub shows at the line.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use super::{Diagnostic, Severity};

/// One `::error file=…::message` line for each diagnostic.
pub fn render_github<'a>(items: impl IntoIterator<Item = &'a Diagnostic>) -> String {
    items.into_iter().map(line).collect()
}

fn line(item: &Diagnostic) -> String {
    let command = match item.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut text = item.message.clone();
    for (label, part) in [("why", &item.why), ("help", &item.help)] {
        if let Some(part) = part {
            text.extend(["\n", label, ": ", part]);
        }
    }
    let mut place = format!("file={},line={},col={}", property(&item.file), item.line, item.column);
    // GitHub refuses an end column for an annotation of several lines.
    if item.end.line == item.line && item.end.column > item.column {
        place.extend([",endColumn=".to_owned(), item.end.column.to_string()]);
    }
    format!("::{command} {place},title={}::{}\n", property(item.code.as_str()), data(&text))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
