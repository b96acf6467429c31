//! What is asked of AWS and done there: one trait per service. No method of a reading trait changes anything, and every one may
//! be retried. Every method of a writing trait takes the permit that a journalled intent gave, and none retries by itself.

use async_trait::async_trait;

use super::{
    Caller, IngressRule, InstanceFacts, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, ReplicationGroupFacts,
    ScalingGroupFacts, SecurityGroupFacts, SubnetFacts, SubnetGroupFacts, TaggedResource, TargetGroupFacts,
    TargetPlace, WriteFailure,
};
use crate::core::rollout::InstanceSelector;
use crate::core::{ApplyPermit, EitherPermit, Failure, Permission, Statement, UndoPermit};

/// STS and IAM: who is asking, and what they may do.
#[async_trait]
pub trait IdentityRead: Send + Sync {
    /// STS GetCallerIdentity.
    async fn caller(&self) -> Result<Caller, Failure>;

    /// IAM SimulatePrincipalPolicy for the caller: one answer per action of the statement, in its order. An action is
    /// allowed when it is allowed on every resource of the statement; the resources have to be handed over
    /// (`ResourceArns`), because without them IAM asks about `*`, which a policy narrowed to ARNs does not allow. When
    /// the simulation itself is refused, every answer is `Unknown`.
    async fn simulate(&self, caller: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure>;
}

/// EC2: instances, subnets and security groups.
#[async_trait]
pub trait NetworkRead: Send + Sync {
    /// EC2 CreateSecurityGroup with DryRun.
    async fn dry_run_create_security_group(&self, vpc: &str) -> Result<Permission, Failure>;

    /// The instance. More than one with that Name tag is a `Permanent` failure.
    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure>;

    /// Every subnet of a VPC, by id.
    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure>;

    /// A security group by name, in any VPC. More than one is a `Permanent` failure.
    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure>;
}

/// ElastiCache.
#[async_trait]
pub trait StoreRead: Send + Sync {
    /// A cache subnet group, with its tags.
    async fn subnet_group(&self, name: &str) -> Result<Option<SubnetGroupFacts>, Failure>;

    /// A replication group, with its tags.
    async fn replication_group(&self, id: &str) -> Result<Option<ReplicationGroupFacts>, Failure>;
}

/// Elastic Load Balancing.
#[async_trait]
pub trait BalancingRead: Send + Sync {
    /// A target group by name, with who is registered in it and how they are.
    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure>;
}

/// EC2 Auto Scaling.
#[async_trait]
pub trait ScalingRead: Send + Sync {
    /// An auto scaling group by name.
    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure>;
}

/// What carries a tag, of every service.
#[async_trait]
pub trait InventoryRead: Send + Sync {
    /// Everything of the kinds we create that carries this tag, in the order in which it has to be deleted.
    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure>;
}

/// Everything that is read.
pub trait CloudRead: IdentityRead + NetworkRead + StoreRead + BalancingRead + ScalingRead + InventoryRead {}

impl<T: IdentityRead + NetworkRead + StoreRead + BalancingRead + ScalingRead + InventoryRead> CloudRead for T {}

/// EC2: the security group of the store and its rules.
#[async_trait]
pub trait NetworkWrite: Send + Sync {
    /// EC2 CreateSecurityGroup.
    async fn create_security_group(&self, permit: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure>;

    /// EC2 DeleteSecurityGroup. Absent is success; `DependencyViolation` is `Transient`.
    async fn delete_security_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure>;

    /// EC2 AuthorizeSecurityGroupIngress. A rule that exists is success.
    async fn authorize(&self, permit: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure>;

    /// EC2 RevokeSecurityGroupIngress. A rule that does not exist is success.
    async fn revoke(&self, permit: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure>;
}

/// ElastiCache.
#[async_trait]
pub trait StoreWrite: Send + Sync {
    /// ElastiCache CreateCacheSubnetGroup.
    async fn create_subnet_group(&self, permit: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure>;

    /// ElastiCache DeleteCacheSubnetGroup. Absent is success.
    async fn delete_subnet_group(&self, permit: &UndoPermit, name: &str) -> Result<(), WriteFailure>;

    /// ElastiCache CreateReplicationGroup.
    async fn create_replication_group(
        &self,
        permit: &ApplyPermit,
        new: &NewReplicationGroup,
    ) -> Result<(), WriteFailure>;

    /// ElastiCache DeleteReplicationGroup, without a final snapshot. Absent or already deleting is success.
    async fn delete_replication_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure>;
}

/// Elastic Load Balancing.
#[async_trait]
pub trait BalancingWrite: Send + Sync {
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

/// Everything that is written.
pub trait CloudWrite: NetworkWrite + StoreWrite + BalancingWrite {}

impl<T: NetworkWrite + StoreWrite + BalancingWrite> CloudWrite for T {}
