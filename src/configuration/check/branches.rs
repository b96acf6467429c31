//! Alternatives: the one that was probably meant is the one whose mistakes are reported.

use serde_json::Value as Json;

use super::rule::{Rule, found_phrase, is_of_type};
use super::walker::{MOST_MISTAKES, Place, Walker};
use crate::configuration::diagnostic::quote::quoted;
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::suggest::nearest;
use crate::configuration::tree::{Entry, Node, Value};

impl<'a> Walker<'a> {
    pub(super) fn check_branches(
        &mut self,
        node: &Node,
        rule: Rule<'a>,
        branches: &[Rule<'a>],
        place: &Place,
    ) -> Option<Value> {
        let mut attempts = Vec::new();
        for branch in branches {
            let before = std::mem::take(&mut self.mistakes);
            let right = self.check(node, branch.serving(rule.purpose), place);
            let found = std::mem::replace(&mut self.mistakes, before);
            if found.is_empty() {
                return Some(right.value);
            }
            attempts.push((*branch, found));
        }
        self.report_branches(node, rule, branches, attempts, place);
        None
    }

    fn report_branches(
        &mut self,
        node: &Node,
        rule: Rule<'a>,
        branches: &[Rule<'a>],
        attempts: Vec<(Rule<'a>, Vec<Diagnostic>)>,
        place: &Place,
    ) {
        if let [_] = branches {
            self.mistakes.extend(attempts.into_iter().flat_map(|(_, found)| found));
            return;
        }
        if self.several_sources(node, rule, branches, place) {
            return;
        }
        let likely: Vec<_> = attempts.into_iter().filter(|(branch, _)| is_likely(node, *branch)).collect();
        let words: Vec<&Json> = likely.iter().flat_map(|(branch, _)| branch.allowed()).collect();
        if !likely.is_empty() && likely.iter().all(|(branch, _)| !branch.allowed().is_empty()) {
            return self.not_allowed(node, rule, &words, place);
        }
        match likely.into_iter().min_by_key(|(_, found)| found.len()) {
            Some((_, mut found)) => {
                if let [only] = found.as_mut_slice()
                    && only.code == Code::GrammarWrongForm
                {
                    only.help = Some(format!("write {}", rule.expectation()));
                }
                self.mistakes.extend(found);
            }
            None => self.no_branch(node, rule, branches, place),
        }
    }

    /// Reports a map with the keys of several alternatives that have one key each, such as two sources of a token. Says
    /// whether it is one.
    fn several_sources(&mut self, node: &Node, rule: Rule<'a>, branches: &[Rule<'a>], place: &Place) -> bool {
        let lone_keys = branches.iter().map(Rule::keys).filter_map(|keys| <[&str; 1]>::try_from(keys).ok());
        let known: Vec<&str> = lone_keys.flatten().collect();
        let (written, strangers): (Vec<&Entry>, Vec<&Entry>) =
            node.entries().iter().partition(|entry| known.contains(&entry.key.text.as_str()));
        let [_, second, ..] = written.as_slice() else { return false };
        let keys: Vec<String> = written.iter().map(|entry| quoted(&entry.key.text)).collect();
        let message = format!("{} has {}; exactly one is allowed", place.name, keys.join(" and "));
        let help = format!("keep one of them; write {}", rule.expectation());
        let mistake = self.source.error(Code::GrammarExactlyOne, second.key.span, message).help(help);
        self.report(mistake, rule.purpose);
        for entry in strangers.into_iter().take(MOST_MISTAKES) {
            self.unknown_key(entry, None, &known, place);
        }
        true
    }

    /// Nothing about the value says which alternative was meant.
    fn no_branch(&mut self, node: &Node, rule: Rule<'a>, branches: &[Rule<'a>], place: &Place) {
        if let (Value::Map(entries), true) = (&node.value, branches.iter().any(|branch| !branch.keys().is_empty())) {
            let known: Vec<&str> = branches.iter().flat_map(Rule::keys).collect();
            for entry in entries.iter().take(MOST_MISTAKES) {
                let near = nearest(&entry.key.text, known.iter().copied());
                self.unknown_key(entry, near, &known, place);
            }
            if !entries.is_empty() {
                return;
            }
        }
        let whole = matches!(node.value, Value::List(_) | Value::Map(_));
        let span = if whole { place.anchor } else { node.span };
        let message = format!("{} cannot be {}", place.name, found_phrase(&node.value));
        let help = format!("write {}", rule.expectation());
        let mistake = self.source.error(Code::GrammarWrongType, span, message).help(help);
        self.report(mistake, rule.purpose);
    }
}

/// Whether a value looks like an attempt at this alternative: the right type and, for a map, a key in common.
fn is_likely(node: &Node, branch: Rule<'_>) -> bool {
    if let Value::Map(entries) = &node.value {
        let keys = branch.keys();
        return entries.iter().any(|entry| keys.contains(&entry.key.text.as_str()));
    }
    let allowed = branch.allowed();
    if !allowed.is_empty() {
        return allowed.iter().any(|value| value.is_string()) && node.text().is_some();
    }
    branch.type_name().is_some_and(|name| is_of_type(&node.value, name))
}
