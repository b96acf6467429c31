//! The keywords of JSON Schema that the walker understands.

use serde_json::Value;

/// Those that say something about a value.
const RULES: [&str; 18] = [
    "$ref",
    "type",
    "const",
    "enum",
    "anyOf",
    "oneOf",
    "allOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "pattern",
    "minLength",
    "maxLength",
];

/// Those that only describe. `format` is one by the specification.
const NOTES: [&str; 9] =
    ["$schema", "$comment", "$defs", "title", "description", "default", "examples", "format", "contentMediaType"];

/// The keywords of a schema that would be passed over in silence.
pub fn unknown_schema_keywords(schema: &Value) -> Vec<String> {
    let mut unknown = Vec::new();
    collect(schema, &mut unknown);
    unknown.sort();
    unknown.dedup();
    unknown
}

fn collect(schema: &Value, unknown: &mut Vec<String>) {
    let Value::Object(map) = schema else { return };
    for (keyword, value) in map {
        match (keyword.as_str(), value) {
            ("properties" | "$defs", Value::Object(named)) => named.values().for_each(|sub| collect(sub, unknown)),
            ("anyOf" | "oneOf" | "allOf", Value::Array(list)) => list.iter().for_each(|sub| collect(sub, unknown)),
            ("items" | "additionalProperties", sub) => collect(sub, unknown),
            (known, _) if RULES.contains(&known) || NOTES.contains(&known) => {}
            (other, _) => unknown.push(other.to_owned()),
        }
    }
}
