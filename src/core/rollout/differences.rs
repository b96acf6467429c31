//! Differences between staging and production that somebody has accepted, by their exact words: another difference of
//! the same thing, that comes later, is not accepted by them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::values::InvalidValue;

/// A difference, in the words in which it is accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Difference {
    /// Its tree is another than staging's: the beginnings of both digests.
    Code {
        /// The production target.
        target: String,
        /// The first twelve digits of its tree's digest.
        own: String,
        /// Those of staging's.
        staging: String,
    },
    /// It runs another interpreter.
    Interpreter {
        /// The production target.
        target: String,
        /// Its interpreter.
        own: String,
        /// Staging's.
        staging: String,
    },
    /// It has another version of a Python module.
    Module {
        /// The production target.
        target: String,
        /// The module.
        module: String,
        /// Its version there.
        own: String,
        /// Its version on staging.
        staging: String,
    },
    /// Nothing keeps a user on one target.
    NoStickiness {
        /// The target group.
        target_group: String,
    },
}

impl Difference {
    /// The production target it is about, when it is about one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Code { target, .. } | Self::Interpreter { target, .. } | Self::Module { target, .. } => Some(target),
            Self::NoStickiness { .. } => None,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { target, own, staging } => write!(out, "{target} runs code {own} and staging {staging}"),
            Self::Interpreter { target, own, staging } => {
                write!(out, "{target} runs python {own} and staging {staging}")
            }
            Self::Module { target, module, own, staging } => {
                write!(out, "{target} has {module} {own} and staging {staging}")
            }
            Self::NoStickiness { target_group } => write!(out, "{target_group} has no stickiness"),
        }
    }
}

impl TryFrom<String> for Difference {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let words: Vec<&str> = text.split(' ').collect();
        let own = |word: &str| word.to_owned();
        let is_digest = |word: &str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        match words.as_slice() {
            [target, "runs", "code", one, "and", "staging", other] if is_digest(one) && is_digest(other) => {
                Ok(Self::Code { target: own(target), own: own(one), staging: own(other) })
            }
            [target, "runs", "python", one, "and", "staging", other] if !one.is_empty() && !other.is_empty() => {
                Ok(Self::Interpreter { target: own(target), own: own(one), staging: own(other) })
            }
            [target, "has", module, one, "and", "staging", other] if ![*module, *one, *other].contains(&"") => {
                Ok(Self::Module { target: own(target), module: own(module), own: own(one), staging: own(other) })
            }
            [target_group, "has", "no", "stickiness"] => Ok(Self::NoStickiness { target_group: own(target_group) }),
            _ => Err(InvalidValue(format!("`{text}` is not a difference as `migrate` words it"))),
        }
    }
}

impl From<Difference> for String {
    fn from(difference: Difference) -> Self {
        difference.to_string()
    }
}

impl JsonSchema for Difference {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Difference".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[^ ]+ (?:runs code [0-9a-f]{12} and staging [0-9a-f]{12}|runs python [^ ]+ and staging [^ ]+|has [^ ]+ [^ ]+ and staging [^ ]+|has no stickiness)$",
            "description": "a difference in the very words of `migrate`, such as \"production-1 has flask 2.3.3 and staging 3.0.0\""
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Difference;

    #[test]
    fn every_difference_is_read_as_it_is_written() {
        for text in [
            "production-1 runs code 0123456789ab and staging ba9876543210",
            "production-1 runs python /usr/bin/python3.9 and staging /usr/bin/python3.11",
            "production-1 has flask_session 0.5.0 and staging 0.8.0",
            "chatmrpt-web has no stickiness",
        ] {
            let read = Difference::try_from(text.to_owned()).unwrap();
            assert_eq!(read.to_string(), text);
            assert_eq!(read.target().is_some(), !text.starts_with("chatmrpt"));
        }
        for wrong in ["production-1 runs code 0123 and staging ba98", "production-1 has flask", "", "all of them"] {
            assert!(Difference::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
