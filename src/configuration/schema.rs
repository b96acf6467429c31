//! The grammar as JSON Schema, for editors and for the located validation.

use serde_json::{Map, Value, json};

use crate::core::rollout::Rollout;
use crate::core::{Catalog, Contract, KindEntry};

/// The version of both grammars.
pub const VERSION: u64 = 1;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of rollout.yaml, generated from the types; `docs/rollout.schema.json` is this.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Rollout).to_value();
    without_null(&mut schema);
    with_bounds(&mut schema);
    if let Some(map) = schema.as_object_mut() {
        map.insert("title".into(), "rollout.yaml".into());
        map.insert(
            "description".into(),
            "Which application `migrate` moves to a shared session store, where it runs, and what must hold.".into(),
        );
        map.insert("$comment".into(), format!("grammar version {VERSION}; generated, do not edit").into());
    }
    schema
}

/// The schema of a file of `phases/`, for the kinds of step in a catalog.
pub fn phase_schema(catalog: &dyn Catalog) -> Value {
    let mut definitions = Map::new();
    let mut steps: Vec<Value> =
        catalog.entries().iter().map(|entry| step_alternative(entry, &mut definitions)).collect();
    steps.push(block_alternative());
    let mut schema = header_schema();
    schema["$schema"] = DIALECT.into();
    schema["title"] = "a phase".into();
    schema["description"] = "One phase of a migration: what is done, in which order.".into();
    schema["$comment"] = format!("grammar version {VERSION}; generated, do not edit").into();
    schema["properties"]["steps"]["items"] = json!({ "oneOf": steps });
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// A phase without its steps, which are checked kind by kind.
pub fn header_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "version": {
                "description": "The version of this file's grammar.",
                "type": "integer", "minimum": VERSION, "maximum": VERSION
            },
            "phase": {
                "description": "The phase's number, as in the file's name.",
                "type": "integer", "minimum": 0, "maximum": 4
            },
            "title": { "description": "What the phase is called.", "type": "string", "minLength": 1, "maxLength": 100 },
            "steps": {
                "description": "The steps, in order, each a map with a single key: its kind.",
                "type": "array", "minItems": 1
            }
        },
        "additionalProperties": false,
        "required": ["version", "phase", "title", "steps"]
    })
}

/// The schema of what stands under a step's kind: the settings and the id.
pub fn body_schema(entry: &KindEntry) -> Value {
    let mut schema = entry.settings.clone().to_value();
    without_null(&mut schema);
    with_bounds(&mut schema);
    if !schema.is_object() {
        schema = json!({ "type": "object" });
    }
    let id = json!({
        "description": "The step's name within its phase.",
        "$ref": "#/$defs/StepIdentifier"
    });
    let identifier = json!({
        "description": "a name of lower-case letters, digits and single hyphens, starting with a letter",
        "type": "string",
        "pattern": "^[a-z](?:-?[a-z0-9])*$",
        "maxLength": 60
    });
    if let Some(map) = schema.as_object_mut() {
        insert_into(map, "properties", "id", id);
        if matches!(entry.contract, Contract::Gate | Contract::Soak { .. }) {
            let guards = json!({
                "description": "The id of a step before it that is undone at once when this one says Abort.",
                "$ref": "#/$defs/StepIdentifier"
            });
            insert_into(map, "properties", "guards", guards);
        }
        insert_into(map, "$defs", "StepIdentifier", identifier);
        match map.get_mut("required").and_then(Value::as_array_mut) {
            Some(required) => required.insert(0, "id".into()),
            None => {
                map.insert("required".into(), json!(["id"]));
            }
        }
        map.insert("title".into(), entry.kind.as_str().into());
        map.insert("description".into(), entry.summary.into());
    }
    schema
}

/// As [`body_schema`], for a step under `each_target`: its `target` is handed to it, not written. `None` when the kind
/// has no such setting.
pub fn repeated_schema(entry: &KindEntry) -> Option<Value> {
    let mut schema = body_schema(entry);
    let map = schema.as_object_mut()?;
    let target = map.get_mut("properties").and_then(Value::as_object_mut).and_then(|keys| keys.remove("target"));
    let is_closed = map.get("additionalProperties") == Some(&Value::Bool(false));
    if is_closed && target.is_none() {
        return None;
    }
    if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|key| key != "target");
    }
    Some(schema)
}

/// `each_target`, as far as an editor needs it: its steps are those of a phase, less their `target`.
fn block_alternative() -> Value {
    let description = "Steps that are repeated for every production target of rollout.yaml, in that order.";
    json!({
        "type": "object",
        "description": description,
        "properties": {
            "each_target": {
                "description": description,
                "type": "array", "minItems": 1,
                "items": { "type": "object", "description": "A step. Its `target` is handed to it, not written." }
            }
        },
        "required": ["each_target"],
        "additionalProperties": false
    })
}

fn insert_into(map: &mut Map<String, Value>, member: &str, name: &str, value: Value) {
    let mut inner = match map.remove(member) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    inner.insert(name.into(), value);
    map.insert(member.into(), Value::Object(inner));
}

/// `{ kind: body }`, with the body's definitions moved to the document's under a name of their own.
fn step_alternative(entry: &KindEntry, definitions: &mut Map<String, Value>) -> Value {
    let kind = entry.kind.as_str();
    let mut body = body_schema(entry);
    rename_references(&mut body, kind);
    if let Some(map) = body.as_object_mut() {
        map.remove("$schema");
        if let Some(Value::Object(own)) = map.remove("$defs") {
            definitions.extend(own.into_iter().map(|(name, value)| (format!("{kind}.{name}"), value)));
        }
    }
    json!({
        "type": "object",
        "description": entry.summary,
        "properties": { kind: body },
        "required": [kind],
        "additionalProperties": false
    })
}

fn rename_references(schema: &mut Value, kind: &str) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("#/$defs/{kind}.{name}");
            }
            map.values_mut().for_each(|value| rename_references(value, kind));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| rename_references(value, kind)),
        _ => {}
    }
}

/// Bounds integers by their type's size, which schemars leaves to `format`.
fn with_bounds(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let largest = match map.get("format").and_then(Value::as_str) {
                Some("uint8") => Some(u64::from(u8::MAX)),
                Some("uint16") => Some(u64::from(u16::MAX)),
                Some("uint32") => Some(u64::from(u32::MAX)),
                _ => None,
            };
            if let Some(largest) = largest {
                map.entry("maximum").or_insert(largest.into());
            }
            map.values_mut().for_each(with_bounds);
        }
        Value::Array(list) => list.iter_mut().for_each(with_bounds),
        _ => {}
    }
}

/// Takes `null` out of the types: an optional key is left out, not left empty.
fn without_null(schema: &mut Value) {
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|name| name == "null");
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(names)) = map.get_mut("type") {
                names.retain(|name| !is_null(name));
                if let [only] = names.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
                branches.retain(|branch| !is_null(branch));
                if let [Value::Object(only)] = branches.as_slice() {
                    let only = only.clone();
                    map.remove("anyOf");
                    only.into_iter().for_each(|(keyword, value)| {
                        map.entry(keyword).or_insert(value);
                    });
                }
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        _ => {}
    }
}
