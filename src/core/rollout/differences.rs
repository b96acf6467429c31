//! Differences between staging and production that an operator has accepted. Each names both sides: a later difference of the
//! same thing is not accepted by it.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::values::InvalidValue;

/// A difference between staging and production.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, deny_unknown_fields)]
#[schemars(inline)]
pub enum Difference {
    /// The code of a production target differs from that of staging.
    Code {
        /// The production target.
        target: String,
        /// The first twelve hexadecimal digits of the digest of its directory.
        #[schemars(regex(pattern = r"^[0-9a-f]{12}$"))]
        code: String,
        /// Those of staging.
        #[schemars(regex(pattern = r"^[0-9a-f]{12}$"))]
        staging: String,
    },
    /// The Python interpreter of a production target differs from that of staging.
    Interpreter {
        /// The production target.
        target: String,
        /// Its interpreter.
        interpreter: String,
        /// That of staging.
        staging: String,
    },
    /// A production target has another version of a Python module than staging.
    Module {
        /// The production target.
        target: String,
        /// The module.
        module: String,
        /// Its version there.
        version: String,
        /// Its version on staging.
        staging: String,
    },
    /// The target group has no stickiness: requests of one user reach all targets.
    NoStickiness {
        /// The target group.
        target_group: String,
        /// What it lacks.
        stickiness: Absent,
    },
}

/// That something is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Absent {
    /// It has none.
    None,
}

impl Difference {
    /// The production target it is about, when it is about one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Code { target, .. } | Self::Interpreter { target, .. } | Self::Module { target, .. } => Some(target),
            Self::NoStickiness { .. } => None,
        }
    }

    /// The entry of `accepted_differences` that accepts it, as one line of YAML.
    pub fn entry(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        match self {
            Self::Code { target, code, staging } => {
                format!("{{ target: {}, code: {}, staging: {} }}", quoted(target), quoted(code), quoted(staging))
            }
            Self::Interpreter { target, interpreter, staging } => {
                let (interpreter, staging) = (quoted(interpreter), quoted(staging));
                format!("{{ target: {}, interpreter: {interpreter}, staging: {staging} }}", quoted(target))
            }
            Self::Module { target, module, version, staging } => {
                let (version, staging) = (quoted(version), quoted(staging));
                format!(
                    "{{ target: {}, module: {}, version: {version}, staging: {staging} }}",
                    quoted(target),
                    quoted(module)
                )
            }
            Self::NoStickiness { target_group, stickiness: Absent::None } => {
                format!("{{ target_group: {}, stickiness: none }}", quoted(target_group))
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { target, code, staging } => write!(out, "{target} runs code {code} and staging {staging}"),
            Self::Interpreter { target, interpreter, staging } => {
                write!(out, "{target} runs python {interpreter} and staging {staging}")
            }
            Self::Module { target, module, version, staging } => {
                write!(out, "{target} has {module} {version} and staging {staging}")
            }
            Self::NoStickiness { target_group, .. } => write!(out, "{target_group} has no stickiness"),
        }
    }
}

/// An item of `accepted_differences`. Keeps the form in which it was written: a stored plan is known by the digest of its JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AcceptedDifference {
    /// An entry.
    Entry(Difference),
    /// The sentence that earlier versions printed. Deprecated.
    Sentence(Sentence),
}

impl AcceptedDifference {
    /// What is accepted.
    pub fn difference(&self) -> &Difference {
        match self {
            Self::Entry(difference) | Self::Sentence(Sentence(difference)) => difference,
        }
    }
}

/// A difference that is written as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sentence(Difference);

impl TryFrom<String> for Sentence {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let words: Vec<&str> = text.split(' ').collect();
        let own = |word: &str| word.to_owned();
        let is_digest = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let difference = match words.as_slice() {
            [target, "runs", "code", one, "and", "staging", other] if is_digest(one) && is_digest(other) => {
                Difference::Code { target: own(target), code: own(one), staging: own(other) }
            }
            [target, "runs", "python", one, "and", "staging", other] if !one.is_empty() && !other.is_empty() => {
                Difference::Interpreter { target: own(target), interpreter: own(one), staging: own(other) }
            }
            [target, "has", module, one, "and", "staging", other] if ![*module, *one, *other].contains(&"") => {
                Difference::Module { target: own(target), module: own(module), version: own(one), staging: own(other) }
            }
            [target_group, "has", "no", "stickiness"] => {
                Difference::NoStickiness { target_group: own(target_group), stickiness: Absent::None }
            }
            _ => return Err(InvalidValue(format!("`{text}` does not name a difference"))),
        };
        Ok(Self(difference))
    }
}

impl From<Sentence> for String {
    fn from(sentence: Sentence) -> Self {
        sentence.0.to_string()
    }
}

/// What the sentence of earlier versions looks like.
const SENTENCE: &str = "^[^ ]+ (?:runs code [0-9a-f]{12} and staging [0-9a-f]{12}|runs python [^ ]+ and staging [^ ]+|has [^ ]+ [^ ]+ and staging [^ ]+|has no stickiness)$";

impl JsonSchema for AcceptedDifference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AcceptedDifference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Difference::json_schema(generator);
        let sentence = serde_json::json!({
            "type": "string",
            "pattern": SENTENCE,
            "description": "Deprecated: the sentence in which earlier versions reported a difference."
        });
        if let Some(serde_json::Value::Array(branches)) = schema.get_mut("anyOf") {
            branches.push(sentence);
        }
        json_schema!({
            "description": "an entry that `migrate` prints, such as { target: production-1, module: flask, version: \"2.3.3\", staging: \"3.0.0\" }",
            "anyOf": schema.get("anyOf")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: [(&str, &str); 4] = [
        (
            "production-1 runs code 0123456789ab and staging ba9876543210",
            r#"{ target: "production-1", code: "0123456789ab", staging: "ba9876543210" }"#,
        ),
        (
            "production-1 runs python /usr/bin/python3.9 and staging /usr/bin/python3.11",
            r#"{ target: "production-1", interpreter: "/usr/bin/python3.9", staging: "/usr/bin/python3.11" }"#,
        ),
        (
            "production-1 has flask_session 0.5.0 and staging 0.8.0",
            r#"{ target: "production-1", module: "flask_session", version: "0.5.0", staging: "0.8.0" }"#,
        ),
        ("chatmrpt-web has no stickiness", r#"{ target_group: "chatmrpt-web", stickiness: none }"#),
    ];

    #[test]
    fn the_entry_that_is_printed_is_the_entry_that_is_read() {
        for (sentence, entry) in EACH {
            let difference: Difference = serde_yaml::from_str(entry).expect(entry);
            assert_eq!((difference.to_string().as_str(), difference.entry().as_str()), (sentence, entry));
            assert_eq!(difference.target().is_some(), !sentence.starts_with("chatmrpt"));
        }
    }

    #[test]
    fn an_entry_names_one_difference_and_nothing_else() {
        for wrong in [
            "{ target: production-1, code: 0123456789ab }",
            "{ target: production-1, module: flask, version: 1.0.0, staging: 2.0.0, reason: because }",
            "{ target_group: chatmrpt-web, stickiness: some }",
            "{}",
        ] {
            assert!(serde_yaml::from_str::<AcceptedDifference>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_sentence_of_earlier_versions_is_read_and_stays_the_same_text() {
        for (sentence, entry) in EACH {
            let accepted: AcceptedDifference = serde_json::from_value(sentence.into()).expect(sentence);
            assert_eq!(accepted.difference().entry(), entry);
            assert_eq!(serde_json::to_value(&accepted).expect("JSON"), serde_json::Value::from(sentence));
        }
        for wrong in ["production-1 runs code 0123 and staging ba98", "production-1 has flask", "", "all of them"] {
            assert!(Sentence::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
