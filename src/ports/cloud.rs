//! AWS, as far as a rollout needs it. In our words, not the SDK's.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::WriteFailure;
use crate::core::{
    ApplyPermit, EitherPermit, Failure, Permission, Secret, Statement, UndoPermit, rollout::InstanceSelector,
};

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

/// Reading AWS. No method changes anything; every one may be retried.
#[async_trait]
pub trait CloudRead: Send + Sync {
    /// STS GetCallerIdentity.
    async fn caller(&self) -> Result<Caller, Failure>;

    /// IAM SimulatePrincipalPolicy for the caller: one answer per action of the statement, in its order. An action is
    /// allowed when it is allowed on every resource of the statement; the resources have to be handed over
    /// (`ResourceArns`), because without them IAM asks about `*`, which a policy narrowed to ARNs does not allow. When
    /// the simulation itself is refused, every answer is `Unknown`.
    async fn simulate(&self, caller: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure>;

    /// EC2 CreateSecurityGroup with DryRun.
    async fn dry_run_create_security_group(&self, vpc: &str) -> Result<Permission, Failure>;

    /// The instance. More than one with that Name tag is a `Permanent` failure.
    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure>;

    /// Every subnet of a VPC, by id.
    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure>;

    /// A security group by name, in any VPC. More than one is a `Permanent` failure.
    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure>;

    /// A cache subnet group, with its tags.
    async fn subnet_group(&self, name: &str) -> Result<Option<SubnetGroupFacts>, Failure>;

    /// A replication group, with its tags.
    async fn replication_group(&self, id: &str) -> Result<Option<ReplicationGroupFacts>, Failure>;

    /// A target group by name, with who is registered in it and how they are.
    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure>;

    /// An auto scaling group by name.
    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure>;

    /// Everything of the kinds we create that carries this tag, in the order in which it has to be deleted.
    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure>;
}

/// Writing AWS. Every method takes the permit that a journalled intent gave; none retries by itself.
#[async_trait]
pub trait CloudWrite: Send + Sync {
    /// ElastiCache CreateCacheSubnetGroup.
    async fn create_subnet_group(&self, permit: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure>;
    /// ElastiCache DeleteCacheSubnetGroup. Absent is success.
    async fn delete_subnet_group(&self, permit: &UndoPermit, name: &str) -> Result<(), WriteFailure>;
    /// EC2 CreateSecurityGroup.
    async fn create_security_group(&self, permit: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure>;
    /// EC2 DeleteSecurityGroup. Absent is success; `DependencyViolation` is `Transient`.
    async fn delete_security_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure>;
    /// EC2 AuthorizeSecurityGroupIngress. A rule that exists is success.
    async fn authorize(&self, permit: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure>;
    /// EC2 RevokeSecurityGroupIngress. A rule that does not exist is success.
    async fn revoke(&self, permit: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure>;
    /// ElastiCache CreateReplicationGroup.
    async fn create_replication_group(
        &self,
        permit: &ApplyPermit,
        new: &NewReplicationGroup,
    ) -> Result<(), WriteFailure>;
    /// ElastiCache DeleteReplicationGroup, without a final snapshot. Absent or already deleting is success.
    async fn delete_replication_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure>;
    /// Elastic Load Balancing DeregisterTargets: an instance leaves the target group with this ARN. It finishes what it has,
    /// and is listed as draining until then. One that is not registered is success.
    async fn deregister_target(
        &self,
        permit: &ApplyPermit,
        group: &str,
        place: &TargetPlace,
    ) -> Result<(), WriteFailure>;
    /// Elastic Load Balancing RegisterTargets: an instance gets users again, once it is judged healthy. One that is
    /// registered is success; one that is draining stays.
    async fn register_target(
        &self,
        permit: EitherPermit<'_>,
        group: &str,
        place: &TargetPlace,
    ) -> Result<(), WriteFailure>;
}
