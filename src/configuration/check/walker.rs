//! The walk: dispatches on what a rule is about, collects what is wrong.

use std::collections::HashMap;

use regex_lite::Regex;
use serde_json::Value as Json;

use super::rule::{Rule, found_phrase, is_of_type, type_phrase, values};
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::source::Source;
use crate::configuration::suggest::nearest;
use crate::configuration::tree::{Node, Span, Value};

/// Nobody reads more.
pub(super) const MOST_MISTAKES: usize = 50;

/// What a value is called, and where to point when it is absent or wrong as a whole.
#[derive(Debug, Clone)]
pub struct Place {
    /// "`workers`", "item 2 of `modules`", "the file".
    pub name: String,
    /// The key, or the item.
    pub anchor: Span,
    /// Whether it may be left out.
    pub optional: bool,
}

/// Checks trees of one file against parts of one schema.
#[derive(Debug)]
pub struct Walker<'a> {
    pub(super) source: &'a Source,
    root: &'a Json,
    pub(super) mistakes: Vec<Diagnostic>,
    patterns: HashMap<&'a str, Option<Regex>>,
}

impl<'a> Walker<'a> {
    /// `root` is where references (`#/$defs/…`) are looked up.
    pub fn new(source: &'a Source, root: &'a Json) -> Self {
        Self { source, root, mistakes: Vec::new(), patterns: HashMap::new() }
    }

    /// Checks a tree against the root schema. Returns the tree as far as it is right, and what is wrong.
    pub fn run(mut self, node: &Node, place: &Place) -> (Node, Vec<Diagnostic>) {
        let rule = Rule::new(self.root, self.root);
        let right = self.check(node, rule, place);
        (right, self.mistakes)
    }

    /// Checks a value. In what comes back everything that was reported is refused, so that later checks can go on with
    /// the rest and never speak of a consequence.
    pub(super) fn check(&mut self, node: &Node, rule: Rule<'a>, place: &Place) -> Node {
        let value = self.right_value(node, rule, place).unwrap_or(Value::Refused);
        Node { span: node.span, value }
    }

    fn right_value(&mut self, node: &Node, rule: Rule<'a>, place: &Place) -> Option<Value> {
        // What is not looked at counts as wrong: nothing true could be said about it.
        if self.is_full() || node.value == Value::Refused {
            return None;
        }
        if node.value == Value::Null {
            self.missing_value(rule, place);
            return None;
        }
        let before = self.mistakes.len();
        for part in rule.keyword("allOf").and_then(Json::as_array).into_iter().flatten() {
            self.check(node, rule.part(part), place);
        }
        let is_right = self.mistakes.len() == before;
        self.by_own_keywords(node, rule, place).filter(|_| is_right)
    }

    fn by_own_keywords(&mut self, node: &Node, rule: Rule<'a>, place: &Place) -> Option<Value> {
        let branches = rule.branches();
        if !branches.is_empty() {
            return self.check_branches(node, rule, &branches, place);
        }
        let before = self.mistakes.len();
        let allowed = rule.allowed();
        if !allowed.is_empty() {
            if !allowed.contains(&&node.to_json()) {
                self.not_allowed(node, rule, &allowed, place);
            }
        } else if let Some(wanted) = rule.type_name()
            && !is_of_type(&node.value, wanted)
        {
            self.wrong_type(node, rule, wanted, place);
        } else {
            match &node.value {
                Value::Text(text) => self.check_text(node, text, rule, place),
                Value::Number(number) => self.check_number(node, number, rule, place),
                Value::List(items) => return self.check_list(node, items, rule, place),
                Value::Map(entries) => return self.check_map(entries, rule, place),
                Value::Null | Value::Bool(_) | Value::Refused => {}
            }
        }
        (self.mistakes.len() == before).then(|| node.value.clone())
    }

    /// Whether enough has been found.
    pub(super) fn is_full(&self) -> bool {
        self.mistakes.len() >= MOST_MISTAKES
    }

    pub(super) fn report(&mut self, mistake: Diagnostic, purpose: Option<&str>) {
        let mistake = match (&mistake.why, purpose) {
            (None, Some(purpose)) => mistake.because(purpose),
            _ => mistake,
        };
        self.mistakes.push(mistake);
    }

    /// Whether a text matches a pattern; a pattern that cannot be read matches everything.
    pub(super) fn matches(&mut self, pattern: &'a str, text: &str) -> bool {
        let compiled = self.patterns.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
        compiled.as_ref().is_none_or(|regex| regex.is_match(text))
    }

    fn missing_value(&mut self, rule: Rule<'a>, place: &Place) {
        let help = match place.optional {
            true => format!("write {}, or remove it", rule.expectation()),
            false => format!("write {}", rule.expectation()),
        };
        let message = format!("{} has no value", place.name);
        let mistake = self.source.error(Code::GrammarMissingValue, place.anchor, message).help(help);
        self.report(mistake, rule.purpose);
    }

    pub(super) fn not_allowed(&mut self, node: &Node, rule: Rule<'a>, allowed: &[&'a Json], place: &Place) {
        let written = self.source.slice(node.span);
        let near = nearest(written, allowed.iter().filter_map(|value| value.as_str()));
        let expected = rule.noun().map_or_else(|| values(allowed), str::to_owned);
        let help = match near {
            Some(near) => format!("did you mean `{near}`? Write {expected}"),
            None => format!("write {expected}"),
        };
        let message = format!("{} is not an allowed value of {}", quoted(written), place.name);
        let mistake = self.source.error(Code::GrammarNotAllowed, node.span, message).help(help);
        self.report(mistake, rule.purpose);
    }

    pub(super) fn wrong_type(&mut self, node: &Node, rule: Rule<'a>, wanted: &str, place: &Place) {
        let whole = matches!(node.value, Value::List(_) | Value::Map(_));
        let span = if whole { place.anchor } else { node.span };
        let found = found_phrase(&node.value);
        let message = format!("{} must be {}, and this is {found}", place.name, type_phrase(Some(wanted)));
        let mistake = self.source.error(Code::GrammarWrongType, span, message);
        let mistake = self.type_advice(node, rule, wanted, mistake);
        self.report(mistake, rule.purpose);
    }
}
