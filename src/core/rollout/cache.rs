//! The shared session store to create.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{HumanDuration, Port, SshHost};

/// The ElastiCache replication group, and who must not reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// The engine.
    pub engine: CacheEngine,
    /// The engine's version, quoted: "7.1".
    #[schemars(regex(pattern = r"^[0-9]+(?:\.[0-9x]+){0,2}$"))]
    pub engine_version: String,
    /// The node type, for example cache.t4g.small.
    #[schemars(regex(pattern = r"^cache\.[a-z0-9-]+\.[a-z0-9]+$"))]
    pub node_type: String,
    /// Read replicas beside the primary; one or more also turns automatic failover on.
    #[schemars(range(min = 0, max = 5))]
    pub replicas: u32,
    /// The port it listens on.
    pub port: Port,
    /// Encryption in transit.
    pub tls: CacheTls,
    /// Where the auth token comes from.
    pub auth: CacheAuth,
    /// Places that must not reach the store. At least one, or nothing proves that the group is closed.
    #[schemars(length(min = 1))]
    pub refused_from: Vec<RefusedSource>,
    /// The slowest acceptable 99th percentile of one command from staging.
    pub latency_p99: HumanDuration,
}

/// Which ElastiCache engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheEngine {
    /// Redis OSS.
    Redis,
    /// Valkey.
    Valkey,
}

impl CacheEngine {
    /// The engine's name in the ElastiCache API.
    pub fn api_name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }
}

/// Encryption in transit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheTls {
    /// Whether the store speaks TLS.
    pub mode: TlsMode,
    /// A PEM file with the authority to trust instead of the system's; relative to rollout.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

/// Whether the store speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// TLS only.
    Required,
    /// Plain text. An auth token is then not possible (ElastiCache refuses it).
    Off,
}

/// Where the auth token comes from, each time it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CacheAuth {
    /// The name or ARN of a Secrets Manager secret whose string is the token.
    SecretsManager(String),
    /// The name of an environment variable of `migrate` that holds the token.
    Environment(String),
    /// No token: whoever reaches the port may use the store.
    None,
}

/// A place that must not reach the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SshHost", into = "SshHost")]
pub enum RefusedSource {
    /// The machine `migrate` runs on.
    Operator,
    /// Another host.
    Host(SshHost),
}

const OPERATOR: &str = "operator";

impl From<SshHost> for RefusedSource {
    fn from(host: SshHost) -> Self {
        if host.as_str() == OPERATOR { Self::Operator } else { Self::Host(host) }
    }
}

impl From<RefusedSource> for SshHost {
    fn from(source: RefusedSource) -> Self {
        match source {
            RefusedSource::Host(host) => host,
            RefusedSource::Operator => {
                OPERATOR.parse().unwrap_or_else(|_| unreachable!("`operator` is a legal host name"))
            }
        }
    }
}

impl std::fmt::Display for RefusedSource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Operator => out.write_str(OPERATOR),
            Self::Host(host) => host.fmt(out),
        }
    }
}

impl JsonSchema for RefusedSource {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RefusedSource".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z0-9_][A-Za-z0-9._:%@-]*$",
            "description": "`operator` (this machine) or a host name as `ssh NAME` understands it"
        })
    }
}
