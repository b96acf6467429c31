//! AWS as the ports want it.

use async_trait::async_trait;

use super::{
    AwsSecrets, config, elasticache, elasticache_write, enumerate, identity, load_balancing, load_balancing_write,
    network, network_write, scaling,
};
use crate::core::rollout::{InstanceSelector, Rollout};
use crate::core::{ApplyPermit, EitherPermit, Failure, Permission, Statement, UndoPermit};
use crate::ports::{
    Caller, CloudRead, CloudWrite, IngressRule, InstanceFacts, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup,
    ReplicationGroupFacts, ScalingGroupFacts, SecurityGroupFacts, SubnetFacts, SubnetGroupFacts, TaggedResource,
    TargetGroupFacts, TargetPlace, WriteFailure,
};

/// AWS in one region, with the caller's credentials. Nothing is called, and no credentials are looked for, before the
/// first method is.
#[derive(Debug, Clone)]
pub struct AwsCloud {
    rollout: String,
    ec2: aws_sdk_ec2::Client,
    cache: aws_sdk_elasticache::Client,
    iam: aws_sdk_iam::Client,
    balancing: aws_sdk_elasticloadbalancingv2::Client,
    scaling: aws_sdk_autoscaling::Client,
    sts: aws_sdk_sts::Client,
}

impl AwsCloud {
    /// AWS for a rollout, and its secrets.
    pub async fn open(rollout: &Rollout) -> (Self, AwsSecrets) {
        Self::open_with(rollout, |loader| loader).await
    }

    /// The same, with a configuration that was adjusted: another endpoint, other credentials.
    pub async fn open_with(
        rollout: &Rollout,
        adjust: impl FnOnce(aws_config::ConfigLoader) -> aws_config::ConfigLoader,
    ) -> (Self, AwsSecrets) {
        let config = config::load(&rollout.region, adjust).await;
        let cloud = Self {
            rollout: rollout.name.as_str().to_owned(),
            ec2: aws_sdk_ec2::Client::new(&config),
            cache: aws_sdk_elasticache::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            balancing: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            scaling: aws_sdk_autoscaling::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        };
        (cloud, AwsSecrets::new(aws_sdk_secretsmanager::Client::new(&config)))
    }
}

#[async_trait]
impl CloudRead for AwsCloud {
    async fn caller(&self) -> Result<Caller, Failure> {
        identity::caller(&self.sts).await
    }

    async fn simulate(&self, caller: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure> {
        identity::simulate(&self.iam, caller, std::slice::from_ref(statement)).await
    }

    async fn dry_run_create_security_group(&self, vpc: &str) -> Result<Permission, Failure> {
        network::dry_run_create_security_group(&self.ec2, vpc).await
    }

    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure> {
        network::instance(&self.ec2, selector).await
    }

    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure> {
        network::subnets(&self.ec2, vpc).await
    }

    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure> {
        network::security_group(&self.ec2, name).await
    }

    async fn subnet_group(&self, name: &str) -> Result<Option<SubnetGroupFacts>, Failure> {
        elasticache::subnet_group(&self.cache, name).await
    }

    async fn replication_group(&self, id: &str) -> Result<Option<ReplicationGroupFacts>, Failure> {
        elasticache::replication_group(&self.cache, id).await
    }

    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure> {
        load_balancing::target_group(&self.balancing, name).await
    }

    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure> {
        scaling::group(&self.scaling, name).await
    }

    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure> {
        enumerate::tagged(&self.ec2, &self.cache, key, value).await
    }
}

#[async_trait]
impl CloudWrite for AwsCloud {
    async fn create_subnet_group(&self, _: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure> {
        elasticache_write::create_subnet_group(&self.cache, new).await
    }

    async fn delete_subnet_group(&self, _: &UndoPermit, name: &str) -> Result<(), WriteFailure> {
        elasticache_write::delete_subnet_group(&self.cache, name).await
    }

    async fn create_security_group(&self, _: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure> {
        let description = format!("Session store of rollout {}, created by migrate", self.rollout);
        network_write::create_security_group(&self.ec2, new, &description).await
    }

    async fn delete_security_group(&self, _: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        network_write::delete_security_group(&self.ec2, id).await
    }

    async fn authorize(&self, _: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        network_write::authorize(&self.ec2, group, rules).await
    }

    async fn revoke(&self, _: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        network_write::revoke(&self.ec2, group, rules).await
    }

    async fn create_replication_group(&self, _: &ApplyPermit, new: &NewReplicationGroup) -> Result<(), WriteFailure> {
        elasticache_write::create_replication_group(&self.cache, new).await
    }

    async fn delete_replication_group(&self, _: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        elasticache_write::delete_replication_group(&self.cache, id).await
    }

    async fn deregister_target(&self, _: &ApplyPermit, group: &str, place: &TargetPlace) -> Result<(), WriteFailure> {
        load_balancing_write::deregister_target(&self.balancing, group, place).await
    }

    async fn register_target(&self, _: EitherPermit<'_>, group: &str, place: &TargetPlace) -> Result<(), WriteFailure> {
        load_balancing_write::register_target(&self.balancing, group, place).await
    }
}
