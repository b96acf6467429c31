//! Texts and numbers.

use serde_json::{Number, Value as Json};

use super::rule::Rule;
use super::walker::{Place, Walker};
use crate::configuration::diagnostic::quote::{clean, quoted};
use crate::configuration::diagnostic::{Code, Diagnostic};
use crate::configuration::tree::{Node, Value};

impl<'a> Walker<'a> {
    pub(super) fn check_text(&mut self, node: &Node, text: &str, rule: Rule<'a>, place: &Place) {
        let length = text.chars().count() as u64;
        let limit = |keyword: &str| rule.keyword(keyword).and_then(Json::as_u64);
        let wrong_length = match (limit("minLength"), limit("maxLength")) {
            (Some(least), _) if length < least => Some(format!("at least {least}")),
            (_, Some(most)) if length > most => Some(format!("at most {most}")),
            _ => None,
        };
        if let Some(bound) = wrong_length {
            let message = format!("{} has {length} characters; it must have {bound}", place.name);
            let help = format!("write {}", rule.expectation());
            let mistake = self.source.error(Code::GrammarWrongLength, node.span, message).help(help);
            return self.report(mistake, rule.purpose);
        }
        let Some(pattern) = rule.keyword("pattern").and_then(Json::as_str) else { return };
        if self.matches(pattern, text) {
            return;
        }
        let mistake = match rule.noun() {
            Some(noun) => {
                let message = format!("{} of {} is not {}", quoted(text), place.name, first_phrase(noun));
                self.source.error(Code::GrammarWrongForm, node.span, message).help(format!("write {noun}"))
            }
            None => {
                let message = format!("{} is not a legal value of {}", quoted(text), place.name);
                let help = format!("write a text that matches {pattern}");
                self.source.error(Code::GrammarWrongForm, node.span, message).help(help)
            }
        };
        self.report(mistake, rule.purpose);
    }

    pub(super) fn check_number(&mut self, node: &Node, number: &Number, rule: Rule<'a>, place: &Place) {
        let Some(value) = number.as_f64() else { return };
        let limit = |keyword: &str| rule.keyword(keyword).filter(|limit| limit.is_number());
        let below = limit("minimum").filter(|least| least.as_f64().is_some_and(|least| value < least));
        let above = limit("maximum").filter(|most| most.as_f64().is_some_and(|most| value > most));
        let bound = match (below, above) {
            (Some(least), _) => format!("at least {least}"),
            (_, Some(most)) => format!("at most {most}"),
            _ => return,
        };
        let message = format!("{} is {number}; it must be {bound}", place.name);
        let range = match (limit("minimum"), limit("maximum")) {
            (Some(least), Some(most)) if least == most => format!("write {least}"),
            (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
            _ => format!("write {}, {bound}", rule.expectation()),
        };
        let mistake = self.source.error(Code::GrammarOutOfRange, node.span, message).help(range);
        self.report(mistake, rule.purpose);
    }

    /// What to write when a value is of the wrong type: mostly a matter of quotes.
    pub(super) fn type_advice(&mut self, node: &Node, rule: Rule<'a>, wanted: &str, mistake: Diagnostic) -> Diagnostic {
        let written = clean(self.source.slice(node.span));
        let expectation = rule.expectation();
        match (&node.value, wanted) {
            (Value::Number(_) | Value::Bool(_), "string") => {
                let pattern = rule.keyword("pattern").and_then(Json::as_str);
                if pattern.is_none_or(|pattern| self.matches(pattern, &written)) {
                    let kind = if matches!(node.value, Value::Bool(_)) { "a boolean" } else { "a number" };
                    mistake
                        .because(format!("without quotes, YAML reads {written} as {kind}"))
                        .help(format!("write it in quotes: \"{written}\""))
                } else {
                    mistake.help(format!("write {expectation}"))
                }
            }
            (Value::Text(text), "integer" | "number") if is_number(text) => {
                mistake.help(format!("write it without quotes: {}", text.trim()))
            }
            (Value::Text(text), "integer" | "number") if has_leading_zero(text) => mistake
                .because(
                    "with a leading zero it is a number to base eight for some readers, and to base ten for others",
                )
                .help(format!("write it without the zero: {}", text.trim_start_matches('0'))),
            (Value::Text(text), "boolean") => match text.to_lowercase().as_str() {
                "yes" | "on" | "true" => mistake.help("write true, without quotes"),
                "no" | "off" | "false" => mistake.help("write false, without quotes"),
                _ => mistake.help(format!("write {expectation}")),
            },
            (Value::Text(_) | Value::Number(_) | Value::Bool(_), "array") => {
                mistake.help(format!("write a list: [{written}]"))
            }
            _ => mistake.help(format!("write {expectation}")),
        }
    }
}

fn is_number(text: &str) -> bool {
    !has_leading_zero(text) && text.trim().parse::<i64>().is_ok()
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `a duration` of "a duration such as 250ms, 90s, 10m, 24h or 7d".
fn first_phrase(noun: &str) -> &str {
    noun.split(" such as ").next().unwrap_or(noun).trim_end_matches(',')
}
