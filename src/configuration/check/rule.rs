//! One schema, with its reference followed, and what it expects in words.

use serde_json::Value as Json;

use crate::configuration::diagnostic::quote::{alternatives, quoted};
use crate::configuration::tree::Value;

/// References that follow references further than this go in circles.
const LONGEST_CHAIN: usize = 16;

/// What a value has to be.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'s> {
    root: &'s Json,
    /// The schema itself, never a bare reference.
    pub schema: &'s Json,
    /// What this value is for, where it is used.
    pub purpose: Option<&'s str>,
    /// What the type is called ("a TCP port, 1 to 65535").
    noun: Option<&'s str>,
}

impl<'s> Rule<'s> {
    /// Follows the reference of a schema, if it is one.
    pub fn new(root: &'s Json, schema: &'s Json) -> Self {
        let mut target = schema;
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = target.get("$ref").and_then(Json::as_str) else { break };
            match reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                Some(found) => target = found,
                None => break,
            }
        }
        // By convention a type is described by a phrase, and what a value is for by a sentence.
        let is_phrase = |text: &&str| !text.starts_with(char::is_uppercase);
        let noun = description(target).filter(is_phrase);
        let purpose = description(schema).filter(|text| !is_phrase(text));
        Self { root, schema: target, purpose, noun }
    }

    /// The rule of a part of this one.
    pub fn part(&self, schema: &'s Json) -> Self {
        Self::new(self.root, schema)
    }

    /// The same rule, with a purpose when it has none of its own.
    pub fn serving(self, purpose: Option<&'s str>) -> Self {
        Self { purpose: self.purpose.or(purpose), ..self }
    }

    /// A keyword's value.
    pub fn keyword(&self, keyword: &str) -> Option<&'s Json> {
        self.schema.get(keyword)
    }

    /// The name of the type it wants, when it wants exactly one besides `null`.
    pub fn type_name(&self) -> Option<&'s str> {
        match self.keyword("type")? {
            Json::String(name) => Some(name),
            Json::Array(names) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
            _ => None,
        }
    }

    /// The alternatives, when there are several. A lone alternative beside `null` counts as the rule itself.
    pub fn branches(&self) -> Vec<Self> {
        let list = self.keyword("anyOf").or_else(|| self.keyword("oneOf")).and_then(Json::as_array);
        list.into_iter()
            .flatten()
            .map(|schema| self.part(schema))
            .filter(|rule| rule.type_name_raw() != Some("null"))
            .collect()
    }

    fn type_name_raw(&self) -> Option<&'s str> {
        self.keyword("type").and_then(Json::as_str)
    }

    /// The values it allows, when it lists them.
    pub fn allowed(&self) -> Vec<&'s Json> {
        match (self.keyword("const"), self.keyword("enum")) {
            (Some(value), _) => vec![value],
            (None, Some(Json::Array(values))) => values.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The keys of the map it wants, in alphabetical order.
    pub fn keys(&self) -> Vec<&'s str> {
        let properties = self.keyword("properties").and_then(Json::as_object);
        properties.into_iter().flat_map(|map| map.keys().map(String::as_str)).collect()
    }

    /// The keys that must be there.
    pub fn required(&self) -> Vec<&'s str> {
        let list = self.keyword("required").and_then(Json::as_array);
        list.into_iter().flatten().filter_map(Json::as_str).collect()
    }

    /// What it wants, as a phrase that follows "write".
    pub fn expectation(&self) -> String {
        if let Some(noun) = self.noun {
            return noun.to_owned();
        }
        let allowed = self.allowed();
        if !allowed.is_empty() {
            return values(&allowed);
        }
        let branches = self.branches();
        if !branches.is_empty() {
            let phrases: Vec<String> = branches.iter().map(Self::expectation).collect();
            return phrases.join(" or ");
        }
        match self.type_name() {
            Some("object") if !self.required().is_empty() => {
                let keys: Vec<String> = self.required().iter().map(|key| format!("{key}: …")).collect();
                format!("`{{ {} }}`", keys.join(", "))
            }
            Some("object") if !self.keys().is_empty() => format!("a map with the keys {}", alternatives(self.keys())),
            Some("array") => {
                let item = self.keyword("items").map(|schema| self.part(schema).expectation());
                item.map_or_else(|| "a list".to_owned(), |item| format!("a list such as `[…, …]`, each item {item}"))
            }
            other => type_phrase(other).to_owned(),
        }
    }

    /// What the type is called, when it has a name of its own.
    pub fn noun(&self) -> Option<&'s str> {
        self.noun
    }
}

/// The values, as words.
pub fn values(allowed: &[&Json]) -> String {
    let words: Vec<String> = allowed.iter().map(|value| as_written(value)).collect();
    alternatives(words.iter().map(String::as_str))
}

fn as_written(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a type of JSON Schema is called.
pub fn type_phrase(name: Option<&str>) -> &'static str {
    match name {
        Some("string") => "text",
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("boolean") => "`true` or `false`",
        Some("array") => "a list",
        Some("object") => "a map of keys and values",
        _ => "a value",
    }
}

/// What a value that was found is called.
pub fn found_phrase(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => format!("the boolean `{flag}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::Text(text) => format!("the text {}", quoted(text)),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a map".to_owned(),
        Value::Refused => "something else".to_owned(),
    }
}

/// Whether a value is of a type of JSON Schema. Unlike there, `2.0` is not a whole number: the types would refuse it.
pub fn is_of_type(value: &Value, name: &str) -> bool {
    match (name, value) {
        ("string", Value::Text(_))
        | ("boolean", Value::Bool(_))
        | ("array", Value::List(_))
        | ("object", Value::Map(_))
        | ("number", Value::Number(_)) => true,
        ("integer", Value::Number(number)) => number.is_u64() || number.is_i64(),
        _ => false,
    }
}

fn description(schema: &Json) -> Option<&str> {
    schema.get("description").and_then(Json::as_str)
}
