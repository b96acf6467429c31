//! Where the application runs.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{AbsolutePath, AcceptedDifference, ChangeWindow, Difference, Drain, InstanceSelector, Name, Port, SshHost};

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
    /// Environment variables of the copy, on top of the original's. Never a secret: they are part of the plan. One that
    /// nobody reads stops phase 2.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// The production targets and what stands before them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Production {
    /// The load balancer's target group, or `none`. Required, so that nobody forgets to say it.
    pub load_balancer: LoadBalancer,
    /// What follows when a gate or a soak in phase 4 says Abort.
    #[serde(default, skip_serializing_if = "OnAbort::is_default")]
    pub on_abort: OnAbort,
    /// Has each target leave the target group while it is switched; when left out it is switched in place, and nobody is
    /// logged out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain: Option<Drain>,
    /// When changes may begin; at any time when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_window: Option<ChangeWindow>,
    /// States that auto scaling replaces no target in the middle of the run, for where AWS does not let us look. When left
    /// out, AWS has to be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_scaling: Option<AutoScaling>,
    /// Differences between staging and production that do not matter, each as the entry that was printed with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_differences: Vec<AcceptedDifference>,
    /// The targets, in the order in which they are changed.
    #[schemars(length(min = 1))]
    pub targets: Vec<ProductionTarget>,
}

/// What follows when a gate or a soak that guards a change says Abort.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnAbort {
    /// The change it guards is undone at once.
    #[default]
    RollBack,
    /// Nothing: a person decides.
    Wait,
}

impl OnAbort {
    /// What is the default is not written down, so that plans from before it keep their digest.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the operator states about auto scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoScaling {
    /// The processes that launch, terminate and replace instances are suspended until phase 4 is over.
    Suspended,
}

impl Production {
    /// The target group that each target leaves while it is switched, and how it does so; `None` when targets are switched
    /// in place, which is the rule.
    pub fn drained(&self) -> Option<(&TargetGroup, Drain)> {
        match &self.load_balancer {
            LoadBalancer::Group(group) => self.drain.map(|drain| (group, drain)),
            LoadBalancer::None(_) => None,
        }
    }

    /// Whether somebody has accepted a difference, in these very words.
    pub fn accepts(&self, difference: &Difference) -> bool {
        self.accepted_differences.iter().any(|accepted| accepted.difference() == difference)
    }
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
