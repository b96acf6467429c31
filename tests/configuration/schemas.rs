//! The generated schemas, and the documents that go with them.

use migrate::configuration::{Code, phase_schema, schema, unknown_schema_keywords};
use migrate::core::Catalog;
use migrate::core::rollout::{
    AbsolutePath, HumanDuration, InstanceSelector, Name, Region, SshHost, TargetPath, VolatilePattern,
};
use migrate::steps::BuiltInKinds;
use proptest::prelude::*;
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
    assert_eq!(steps.len(), TestCatalog.entries().len() + 1, "and `each_target`");
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

/// Whether a text is legal by the schema of a type, which is what files are checked against.
fn schema_admits(schema: &schemars::Schema, text: &str) -> bool {
    let keyword = |name: &str| schema.get(name).cloned();
    let pattern = keyword("pattern").and_then(|pattern| regex_lite::Regex::new(pattern.as_str()?).ok());
    let longest = keyword("maxLength").and_then(|longest| longest.as_u64()).unwrap_or(u64::MAX);
    pattern.expect("a pattern").is_match(text) && text.chars().count() as u64 <= longest
}

/// The types stop at their first mistake; the schema does not. So no type may refuse what its schema admits.
fn type_admits<T: schemars::JsonSchema + TryFrom<String>>(text: &str) -> bool {
    !schema_admits(&schemars::schema_for!(T), text) || T::try_from(text.to_owned()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_type_refuses_what_its_schema_admits(text in "[./a-z*-]{0,8}|[a-z][a-z0-9-]{0,50}|[0-9]{0,14}(ms|s|m|h|d)|\\PC{0,9}|.{0,300}") {
        prop_assert!(type_admits::<Name>(&text), "a name: {text:?}");
        prop_assert!(type_admits::<Region>(&text), "a region: {text:?}");
        prop_assert!(type_admits::<AbsolutePath>(&text), "a path: {text:?}");
        prop_assert!(type_admits::<TargetPath>(&text), "a path on a target: {text:?}");
        prop_assert!(type_admits::<SshHost>(&text), "a host: {text:?}");
        prop_assert!(type_admits::<InstanceSelector>(&text), "an instance: {text:?}");
        prop_assert!(type_admits::<HumanDuration>(&text), "a duration: {text:?}");
        prop_assert!(type_admits::<VolatilePattern>(&text), "a pattern: {text:?}");
    }
}

#[test]
fn paths_and_patterns_with_dots_are_legal_unless_they_are_all_there_is() {
    for legal in ["/.a", "/..a", "/a.b", "/...", "/a/.config/x"] {
        assert!(schema_admits(&schemars::schema_for!(AbsolutePath), legal), "{legal}");
    }
    for illegal in ["/.", "/..", "/a/../b", "/a/", "a"] {
        assert!(!schema_admits(&schemars::schema_for!(AbsolutePath), illegal), "{illegal}");
    }
    for (pattern, legal) in [("*.log", true), (".git", true), ("*...", true), ("*..", false), (".", false)] {
        assert_eq!(schema_admits(&schemars::schema_for!(VolatilePattern), pattern), legal, "{pattern}");
    }
}
