//! The generated schemas, and the documents that go with them.

use migrate::core::Catalog;
use migrate::spec::{Code, phase_schema, schema, unknown_schema_keywords};
use migrate::steps::BuiltInKinds;
use serde_json::Value;

use crate::catalog::TestCatalog;
use crate::support::{assert_golden, text_of};

#[test]
fn the_committed_schema_is_the_generated_one() {
    let text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON") + "\n";
    assert_golden("docs/rollout.schema.json", &text);
}

#[test]
fn the_walker_understands_every_keyword() {
    assert_eq!(unknown_schema_keywords(&schema()), Vec::<String>::new());
    assert_eq!(unknown_schema_keywords(&phase_schema(&TestCatalog)), Vec::<String>::new());
    assert_eq!(unknown_schema_keywords(&phase_schema(&BuiltInKinds)), Vec::<String>::new());
}

#[test]
fn a_keyword_the_walker_does_not_understand_is_noticed() {
    let schema = serde_json::json!({ "properties": { "a": { "anyOf": [{ "multipleOf": 2 }] } } });
    assert_eq!(unknown_schema_keywords(&schema), ["multipleOf"]);
}

#[test]
fn every_pattern_and_reference_of_the_schemas_is_sound() {
    for schema in [schema(), phase_schema(&TestCatalog), phase_schema(&BuiltInKinds)] {
        let mut seen = 0;
        each_object(&schema, &mut |object| {
            if let Some(Value::String(pattern)) = object.get("pattern") {
                seen += 1;
                assert!(regex_lite::Regex::new(pattern).is_ok(), "{pattern}");
            }
            if let Some(Value::String(reference)) = object.get("$ref") {
                let pointer = reference.strip_prefix('#').expect("a local reference");
                assert!(schema.pointer(pointer).is_some(), "{reference}");
            }
        });
        assert!(seen > 1);
    }
}

#[test]
fn the_phase_schema_has_every_kind_and_the_id() {
    let schema = phase_schema(&TestCatalog);
    let steps = schema["properties"]["steps"]["items"]["oneOf"].as_array().expect("alternatives").clone();
    assert_eq!(steps.len(), TestCatalog.entries().len());
    for (step, entry) in steps.iter().zip(TestCatalog.entries()) {
        let body = &step["properties"][entry.kind.as_str()];
        assert!(body["properties"]["id"].is_object(), "{}", entry.kind);
        assert!(body["required"].as_array().is_some_and(|keys| keys.contains(&"id".into())), "{}", entry.kind);
    }
}

#[test]
fn every_code_is_documented_once_and_in_order() {
    let text = text_of("docs/diagnostics.md");
    let documented: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(code, _)| code).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(documented, codes);
}

fn each_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(map);
            map.values().for_each(|inner| each_object(inner, visit));
        }
        Value::Array(list) => list.iter().for_each(|inner| each_object(inner, visit)),
        _ => {}
    }
}
