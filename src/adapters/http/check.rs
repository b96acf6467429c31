//! Whether an answer is what the journey expects, and what to take from it.

use serde_json::Value;

use super::connection::Answer;
use super::fault::Fault;
use super::head;
use super::jar::Jar;
use super::script::{CompiledRequest, ExpectedJson, Source};
use super::template::Values;
use crate::ports::ErrorKind;

/// More of an answer is not quoted.
const QUOTED: usize = 120;

/// Takes out what is to be extracted, then compares. Who the user is taken for is noted, whether the rest is right or not:
/// an answer for somebody else is rarely the expected one.
///
/// # Errors
/// When something is not as expected, or not there.
pub(super) fn check(
    request: &CompiledRequest,
    answer: &Answer,
    jar: &Jar,
    values: &mut Values,
    identity: &mut Option<String>,
) -> Result<(), Fault> {
    status(request, answer)?;
    let json = Json::of(request, answer);
    for extraction in &request.extract {
        let found = match &extraction.from {
            Source::Regex(regex) => {
                let body = String::from_utf8_lossy(&answer.body);
                regex.captures(&body).and_then(|groups| Some(groups.get(1)?.as_str().to_owned()))
            }
            Source::Json(pointer) => json.at(pointer).map(as_text),
            Source::Header(name) => head::values(&answer.head, name).into_iter().next(),
            Source::Cookie(name) => jar.value(name).map(str::to_owned),
        };
        let Some(found) = found else {
            let words = format!("`{}` is not in the answer: {}", extraction.name, excerpt(answer));
            return Err(Fault::new(ErrorKind::Extraction, words));
        };
        if extraction.is_identity {
            *identity = Some(found.clone());
        }
        if let Some(place) = values.extracted.get_mut(extraction.place) {
            *place = Some(found);
        }
    }
    expectations(request, answer, &json, values)
}

fn status(request: &CompiledRequest, answer: &Answer) -> Result<(), Fault> {
    let is_expected = match request.expect.status {
        Some(expected) => answer.status == expected,
        None => answer.status < 400,
    };
    if is_expected {
        return Ok(());
    }
    let expected = request.expect.status.map_or("below 400".to_owned(), |status| status.to_string());
    Err(Fault::new(ErrorKind::Status, format!("{}, expected {expected}: {}", answer.status, excerpt(answer))))
}

fn expectations(request: &CompiledRequest, answer: &Answer, json: &Json, values: &Values) -> Result<(), Fault> {
    let unexpected = |words: String| Err(Fault::new(ErrorKind::Expectation, words));
    if let Some(template) = &request.expect.body_contains {
        let expected = template.text(values);
        if !String::from_utf8_lossy(&answer.body).contains(&expected) {
            return unexpected(format!("`{}` is not in the body: {}", shorten(&expected), excerpt(answer)));
        }
    }
    for (name, template) in &request.expect.header {
        let expected = template.text(values);
        let found = head::values(&answer.head, name);
        if !found.iter().any(|value| value.contains(&expected)) {
            let found = found.join(", ");
            return unexpected(format!("{name} is `{}`, expected `{}`", shorten(&found), shorten(&expected)));
        }
    }
    for (pointer, expected) in &request.expect.json {
        let found = json.at(pointer);
        let (is_same, expected) = match expected {
            ExpectedJson::Same(value) => (found == Some(value), value.to_string()),
            ExpectedJson::Text(template) => {
                let text = template.text(values);
                (found.is_some_and(|value| as_text(value) == text), text)
            }
        };
        if !is_same {
            let found = found.map_or("nothing".to_owned(), Value::to_string);
            let words = format!("{pointer} is {}, expected {}", shorten(&found), shorten(&expected));
            return unexpected(format!("{words}: {}", excerpt(answer)));
        }
    }
    Ok(())
}

/// The body as JSON, when anybody looks at it that way.
struct Json(Option<Value>);

impl Json {
    fn of(request: &CompiledRequest, answer: &Answer) -> Self {
        let is_wanted = !request.expect.json.is_empty()
            || request.extract.iter().any(|extraction| matches!(extraction.from, Source::Json(_)));
        Self(is_wanted.then(|| serde_json::from_slice(&answer.body).ok()).flatten())
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.0.as_ref()?.pointer(pointer)
    }
}

/// A text without its quotes; anything else as JSON writes it.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn excerpt(answer: &Answer) -> String {
    match answer.body.is_empty() {
        true => format!("status {}", answer.status),
        false => format!("status {}, `{}`", answer.status, shorten(&String::from_utf8_lossy(&answer.body))),
    }
}

fn shorten(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(QUOTED).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}
