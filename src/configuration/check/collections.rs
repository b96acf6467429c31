//! Lists and maps.

use serde_json::Value as Json;

use super::rule::Rule;
use super::walker::{Place, Walker};
use crate::configuration::diagnostic::Code;
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::suggest::nearest;
use crate::configuration::tree::{Entry, Node, Value};

impl<'a> Walker<'a> {
    pub(super) fn check_list(&mut self, node: &Node, items: &[Node], rule: Rule<'a>, place: &Place) -> Option<Value> {
        let limit = |keyword: &str| rule.keyword(keyword).and_then(Json::as_u64);
        let count = items.len() as u64;
        let bound = match (limit("minItems"), limit("maxItems")) {
            (Some(least), _) if count < least => Some(format!("at least {least}")),
            (_, Some(most)) if count > most => Some(format!("at most {most}")),
            _ => None,
        };
        if let Some(bound) = &bound {
            let message = format!("{} has {count} items; it must have {bound}", place.name);
            let help = format!("write {}", rule.expectation());
            let mistake = self.source.error(Code::GrammarWrongLength, node.span, message).help(help);
            self.report(mistake, rule.purpose);
        }
        let mut right = items.to_vec();
        if let Some(schema) = rule.keyword("items") {
            for (position, item) in right.iter_mut().enumerate() {
                let name = format!("item {} of {}", position + 1, place.name);
                *item = self.check(item, rule.part(schema), &Place { name, anchor: item.span, optional: true });
            }
        }
        bound.is_none().then_some(Value::List(right))
    }

    pub(super) fn check_map(&mut self, entries: &[Entry], rule: Rule<'a>, place: &Place) -> Option<Value> {
        let properties = rule.keyword("properties").and_then(Json::as_object);
        let closed = rule.keyword("additionalProperties") == Some(&Json::Bool(false));
        let written = |key: &str| entries.iter().any(|entry| entry.key.text == key);
        let absent: Vec<&str> = rule.keys().into_iter().filter(|key| !written(key)).collect();
        let required = rule.required();
        let mut meant = Vec::new();
        let mut right = Vec::new();
        for entry in entries {
            if self.is_full() {
                return None;
            }
            if entry.is_rest() {
                right.push(entry.clone());
                return Some(Value::Map(right));
            }
            let key = entry.key.text.as_str();
            let inner = Place { name: quoted(key), anchor: entry.key.span, optional: !required.contains(&key) };
            let value = match (properties.and_then(|map| map.get(key)), rule.keyword("additionalProperties")) {
                (Some(schema), _) => self.check(&entry.value, rule.part(schema), &inner),
                (None, Some(schema)) if schema.is_object() => self.check(&entry.value, rule.part(schema), &inner),
                (None, _) if closed => {
                    let near = nearest(key, absent.iter().copied());
                    meant.extend(near);
                    self.unknown_key(entry, near, &rule.keys(), place);
                    // It stands for the key that was meant, which is not absent then, but has no value to judge.
                    let value = Node { span: entry.value.span, value: Value::Refused };
                    right.extend(near.map(|near| entry.key.called(near).with(value)));
                    continue;
                }
                (None, _) => entry.value.clone(),
            };
            right.push(entry.key.clone().with(value));
        }
        for key in required {
            // A mistyped key is one mistake, not two.
            if absent.contains(&key) && !meant.contains(&key) {
                self.missing_key(key, rule, place);
            }
        }
        Some(Value::Map(right))
    }

    pub(super) fn unknown_key(&mut self, entry: &Entry, near: Option<&str>, known: &[&str], place: &Place) {
        let keys =
            if known.is_empty() { "it has no keys".to_owned() } else { format!("its keys are {}", known.join(", ")) };
        let help = match near {
            Some(near) => format!("did you mean `{near}`? ({keys})"),
            None => format!("remove it; {keys}"),
        };
        let message = format!("{} is not a key of {}", quoted(&entry.key.text), place.name);
        let mistake = self.source.error(Code::GrammarUnknownKey, entry.key.span, message).help(help);
        self.report(mistake, None);
    }

    fn missing_key(&mut self, key: &str, rule: Rule<'a>, place: &Place) {
        let wanted = rule.keyword("properties").and_then(|map| map.get(key)).map(|schema| rule.part(schema));
        let help = match wanted {
            Some(wanted) => format!("add `{key}:` with {}", wanted.expectation()),
            None => format!("add `{key}:`"),
        };
        let mistake = self
            .source
            .error(Code::GrammarMissingKey, place.anchor, format!("{} lacks `{key}`", place.name))
            .help(help);
        self.report(mistake, wanted.and_then(|wanted| wanted.purpose));
    }
}
