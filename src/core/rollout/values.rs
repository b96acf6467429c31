//! The scalar values of `rollout.yaml`, each a type that cannot hold a wrong one.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a scalar was refused, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub String);

/// Declares a string newtype that is checked when read and has a pattern in the schema.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $pattern:literal $(at most $longest:literal)?, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The value as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(InvalidValue(format!("`{text}` is not {}", $what))) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string", "pattern": $pattern, "description": $what $(, "maxLength": $longest)?
                })
            }
        }
    };
}

fn is_name(text: &str) -> bool {
    // 40 is ElastiCache's limit for a replication group id, and the strictest of the names derived from this one.
    // https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_CreateReplicationGroup.html
    let inner = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    inner
        && text.len() <= 40
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
}

checked_string!(
    /// A name that is legal as an ElastiCache id: lower-case letters, digits, single hyphens, at most 40.
    Name,
    r"^[a-z](?:-?[a-z0-9])*$" at most 40,
    "a name of lower-case letters, digits and single hyphens, starting with a letter, at most 40 characters",
    is_name
);

checked_string!(
    /// An AWS region code.
    Region,
    r"^[a-z]{2}(?:-[a-z]+)+-[0-9]$",
    "an AWS region such as us-east-2",
    |text| {
        let parts: Vec<&str> = text.split('-').collect();
        parts.len() >= 3
            && parts[0].len() == 2
            && parts[..parts.len() - 1].iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()))
            && parts[parts.len() - 1].len() == 1
            && parts[parts.len() - 1].bytes().all(|b| b.is_ascii_digit())
    }
);

checked_string!(
    /// A path on a target, absolute, without `.` or `..` parts and without a trailing slash.
    AbsolutePath,
    r"^(?:/(?:[^/.\x00\n]|\.[^/.\x00\n]|\.\.[^/\x00\n])[^/\x00\n]*)+$",
    "an absolute path without `.` and `..` in it, such as /home/ec2-user/ChatMRPT",
    |text| {
        text.starts_with('/')
            && !text.contains(['\0', '\n'])
            && text[1..].split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    }
);

checked_string!(
    /// A path on a target, absolute or below the live tree, without `.` or `..` parts and without a trailing slash.
    TargetPath,
    r"^/?(?:[^/.\x00\n]|\.[^/.\x00\n]|\.\.[^/\x00\n])[^/\x00\n]*(?:/(?:[^/.\x00\n]|\.[^/.\x00\n]|\.\.[^/\x00\n])[^/\x00\n]*)*$",
    "a path without `.` and `..` in it, such as /var/log/gunicorn/error.log or logs/error.log",
    |text| {
        !text.contains(['\0', '\n'])
            && text.strip_prefix('/').unwrap_or(text).split('/').all(|part| !part.is_empty() && part != "." && part != "..")
    }
);

checked_string!(
    /// A host as `ssh NAME` understands it: an alias of ssh_config, a DNS name or an address.
    SshHost,
    r"^[A-Za-z0-9_][A-Za-z0-9._:%@-]*$",
    "a host name as `ssh NAME` understands it",
    // A leading hyphen would be read by ssh as an option.
    |text| {
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:%@-".contains(&b))
    }
);

checked_string!(
    /// An EC2 instance: its id (`i-…`), or the value of its `Name` tag.
    InstanceSelector,
    r"^[^\x00-\x1f\x7f-\x9f]{1,255}$",
    "an instance id (i-...) or the value of an instance's Name tag",
    |text| (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
);

impl InstanceSelector {
    /// Whether this is an instance id rather than a `Name` tag.
    pub fn is_id(&self) -> bool {
        self.0.strip_prefix("i-").is_some_and(|hex| hex.len() >= 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

/// A TCP port, 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Port(std::num::NonZeroU16);

impl Port {
    /// The port as a number.
    pub fn number(self) -> u16 {
        self.0.get()
    }
}

impl TryFrom<u16> for Port {
    type Error = InvalidValue;

    fn try_from(number: u16) -> Result<Self, InvalidValue> {
        std::num::NonZeroU16::new(number).map(Self).ok_or_else(|| InvalidValue("port 0 does not exist".into()))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl JsonSchema for Port {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Port".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": 65535, "description": "a TCP port, 1 to 65535" })
    }
}

/// A duration as people write it: a whole number and a unit, `250ms`, `90s`, `10m`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HumanDuration(Duration);

/// Units, longest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl HumanDuration {
    /// The length of time.
    pub fn get(self) -> Duration {
        self.0
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Duration> for HumanDuration {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl TryFrom<String> for HumanDuration {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        let refuse = || InvalidValue(format!("`{text}` is not a duration such as 250ms, 90s, 10m, 24h or 7d"));
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refuse)?;
        let count: u64 = text[..digits].parse().map_err(|_| refuse())?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == &text[digits..]).ok_or_else(refuse)?;
        count.checked_mul(*unit).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(refuse)
    }
}

impl From<HumanDuration> for String {
    fn from(value: HumanDuration) -> Self {
        value.to_string()
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let (unit, size) = UNITS.into_iter().find(|(_, size)| total > 0 && total % size == 0).unwrap_or(("s", 1_000));
        write!(out, "{}{unit}", total / size)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HumanDuration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]{1,11}(?:ms|s|m|h|d)$",
            "description": "a duration such as 250ms, 90s, 10m, 24h or 7d"
        })
    }
}
