//! Where the application runs.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{AbsolutePath, InstanceSelector, Name, Port, SshHost};

/// The staging host: the only place that is changed before phase 4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Staging {
    /// How to reach it.
    pub host: SshHost,
    /// Which EC2 instance it is.
    pub instance: InstanceSelector,
    /// The test copy of phase 2.
    pub copy: CopySite,
}

/// Where the test copy lives on staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopySite {
    /// Its directory; created by phase 2, deleted by its rollback.
    pub directory: AbsolutePath,
    /// Its port, beside the original's.
    pub port: Port,
}

/// The production targets and what stands before them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Production {
    /// The load balancer's target group, or `none`. Required, so that nobody forgets to say it.
    pub load_balancer: LoadBalancer,
    /// The targets, in the order in which they are changed.
    #[schemars(length(min = 1))]
    pub targets: Vec<ProductionTarget>,
}

/// One production instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductionTarget {
    /// What it is called in output and in the journal.
    pub name: Name,
    /// How to reach it.
    pub host: SshHost,
    /// Which EC2 instance it is.
    pub instance: InstanceSelector,
}

/// What sends users to production.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LoadBalancer {
    /// An ELBv2 target group.
    Group(TargetGroup),
    /// Said explicitly: there is none.
    None(NoLoadBalancer),
}

/// The word `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoLoadBalancer {
    /// There is no load balancer.
    None,
}

/// An ELBv2 target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetGroup {
    /// The target group's name.
    #[schemars(regex(pattern = "^[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?$"))]
    pub target_group: String,
}

impl JsonSchema for LoadBalancer {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "LoadBalancer".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let group = generator.subschema_for::<TargetGroup>();
        json_schema!({
            "description": "`{ target_group: NAME }`, or `none` when there is no load balancer",
            "anyOf": [group, { "const": "none" }]
        })
    }
}
