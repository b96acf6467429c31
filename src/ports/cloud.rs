//! AWS, as far as a rollout needs it. In our words, not the SDK's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::core::Secret;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Who the credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The twelve-digit account.
    pub account: String,
    /// The ARN, as STS gives it.
    pub arn: String,
}

/// An EC2 instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceFacts {
    /// Its id.
    pub id: String,
    /// `running`, `stopped`, ...
    pub state: String,
    /// Its VPC.
    pub vpc: String,
    /// Its subnet.
    pub subnet: String,
    /// Its private address.
    pub private_address: String,
    /// Ids and names of the security groups it holds.
    pub security_groups: BTreeMap<String, String>,
    /// Its tags, those of AWS itself (`aws:...`) included.
    #[serde(default)]
    pub tags: Tags,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetFacts {
    /// Its id.
    pub id: String,
    /// Its availability zone.
    pub zone: String,
}

/// Who an ingress rule admits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSource {
    /// Holders of a security group, by id.
    Group(String),
    /// An address range, or a prefix list.
    Range(String),
}

/// An ingress rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IngressRule {
    /// `tcp`, `udp`, `-1` for all.
    pub protocol: String,
    /// First and last port; `None` for all.
    pub ports: Option<(u16, u16)>,
    /// Who is admitted.
    pub source: RuleSource,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityGroupFacts {
    /// Its id.
    pub id: String,
    /// Its VPC.
    pub vpc: String,
    /// Its tags.
    pub tags: Tags,
    /// Who it admits.
    pub ingress: Vec<IngressRule>,
}

/// A cache subnet group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubnetGroupFacts {
    /// Its ARN.
    pub arn: String,
    /// Its VPC.
    pub vpc: String,
    /// Its subnets, sorted.
    pub subnets: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// How a replication group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicationGroupStatus {
    /// Usable.
    Available,
    /// On its way to being usable: `creating`, `modifying`, `snapshotting`.
    Settling(String),
    /// On its way out.
    Deleting,
    /// Will never be usable: `create-failed`.
    Failed(String),
}

/// A replication group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationGroupFacts {
    /// Its ARN.
    pub arn: String,
    /// How it is.
    pub status: ReplicationGroupStatus,
    /// Its primary endpoint, once there is one.
    pub endpoint: Option<super::Endpoint>,
    /// Whether it speaks TLS.
    pub encrypted_in_transit: bool,
    /// Whether it asks for a token.
    pub token_required: bool,
    /// Its node type.
    pub node_type: String,
    /// Its tags.
    pub tags: Tags,
}

/// A subnet group to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubnetGroup {
    /// Its name.
    pub name: String,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its tags.
    pub tags: Tags,
}

/// A security group to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSecurityGroup {
    /// Its name.
    pub name: String,
    /// Its VPC.
    pub vpc: String,
    /// Its tags.
    pub tags: Tags,
}

/// A replication group to create.
#[derive(Debug, Clone)]
pub struct NewReplicationGroup {
    /// Its id.
    pub id: String,
    /// `redis` or `valkey`.
    pub engine: String,
    /// The engine's version.
    pub engine_version: String,
    /// The node type.
    pub node_type: String,
    /// Replicas beside the primary; with any, automatic failover is on.
    pub replicas: u32,
    /// The port.
    pub port: u16,
    /// TLS.
    pub encrypt_in_transit: bool,
    /// The auth token.
    pub token: Option<Secret>,
    /// The cache subnet group.
    pub subnet_group: String,
    /// The security group's id.
    pub security_group: String,
    /// Its tags.
    pub tags: Tags,
}

/// How a load balancer sees a target.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetHealth {
    /// It gets users.
    Healthy,
    /// It is registered, and not judged yet.
    Initial,
    /// It finishes what it has, and gets nothing new.
    Draining,
    /// Its health check fails, and why.
    Unhealthy(String),
    /// Nobody sends to it: `unused`, `unavailable`.
    Idle(String),
}

/// What makes a target of a target group: the same instance on another port is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetPlace {
    /// The instance's id.
    pub id: String,
    /// The port users are sent to.
    pub port: u16,
}

impl TargetPlace {
    /// Whether it is this one that is registered.
    pub fn is(&self, registered: &RegisteredTarget) -> bool {
        self.id == registered.id && self.port == registered.port
    }
}

/// A target of a target group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredTarget {
    /// The instance's id.
    pub id: String,
    /// The port users are sent to.
    pub port: u16,
    /// How it is.
    pub health: TargetHealth,
}

/// A target group of a load balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupFacts {
    /// Its ARN.
    pub arn: String,
    /// The path of its health check.
    pub health_path: String,
    /// Whether it keeps a user on one target by a cookie.
    pub sticky: bool,
    /// Everyone who is registered, those who are leaving included, by id and port.
    pub targets: Vec<RegisteredTarget>,
}

/// An auto scaling group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScalingGroupFacts {
    /// Its processes that are suspended: `Launch`, `Terminate`, ...
    pub suspended: BTreeSet<String>,
}

/// What kind of thing carries a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// An ElastiCache replication group.
    ReplicationGroup,
    /// An EC2 security group.
    SecurityGroup,
    /// An ElastiCache subnet group.
    SubnetGroup,
}

impl std::fmt::Display for ResourceKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::ReplicationGroup => "replication group",
            Self::SecurityGroup => "security group",
            Self::SubnetGroup => "cache subnet group",
        })
    }
}

/// A thing that carries this rollout's tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TaggedResource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its name or id.
    pub name: String,
}
