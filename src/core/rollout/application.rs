//! The application being migrated.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{AbsolutePath, Port, TargetPath};

/// What runs on every target before the migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// What people call it.
    pub name: String,
    /// The live tree on every target.
    pub directory: AbsolutePath,
    /// The virtual environment whose interpreter runs it.
    pub virtualenv: AbsolutePath,
    /// The systemd unit that runs it.
    pub unit: String,
    /// The account it runs as.
    pub user: String,
    /// The port it listens on.
    pub port: Port,
    /// How many Gunicorn workers run today.
    #[schemars(range(min = 1, max = 256))]
    pub workers: u32,
    /// Python modules the running interpreter must be able to import.
    pub modules: Vec<String>,
    /// What the application writes while it runs: left out of every comparison and of the copy.
    #[serde(default)]
    pub volatile: Vec<VolatilePattern>,
    /// Gunicorn's error log, absolute or relative to the live tree. Without it crashes are seen, but neither timeouts nor
    /// tracebacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_log: Option<TargetPath>,
}

impl Application {
    /// Where the error log is, when it is known.
    pub fn error_log_path(&self) -> Option<AbsolutePath> {
        let written = self.error_log.as_ref()?.as_str();
        let whole = if written.starts_with('/') { written.to_owned() } else { format!("{}/{written}", self.directory) };
        // Two legal paths with a slash between them are one.
        whole.parse().ok()
    }
}

/// A file or directory name, or `*` and a suffix (`*.log`), matched against every part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VolatilePattern(String);

impl VolatilePattern {
    /// Whether this pattern covers `path` (relative, `/` between parts): one of its parts matches.
    pub fn covers(&self, path: &str) -> bool {
        path.split('/').any(|part| match self.0.strip_prefix('*') {
            Some(suffix) => part.ends_with(suffix),
            None => part == self.0,
        })
    }

    /// The pattern as written; also legal for `find -name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VolatilePattern {
    type Error = super::values::InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let name = text.strip_prefix('*').unwrap_or(&text);
        let legal =
            !name.is_empty() && !name.contains(['*', '/', '?', '[', '\\', '\0', '\n']) && name != "." && name != "..";
        if legal {
            Ok(Self(text))
        } else {
            Err(super::values::InvalidValue(format!(
                "`{text}` is not a file name, a directory name or `*` and a suffix"
            )))
        }
    }
}

impl From<VolatilePattern> for String {
    fn from(value: VolatilePattern) -> Self {
        value.0
    }
}

impl JsonSchema for VolatilePattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "VolatilePattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\*?(?:[^*/?\[\\\x00\n.]|\.[^*/?\[\\\x00\n.]|\.\.[^*/?\[\\\x00\n])[^*/?\[\\\x00\n]*$",
            "description": "a file name, a directory name, or `*` and a suffix such as *.log"
        })
    }
}
