//! What stands in for AWS in a build without its SDKs.

use async_trait::async_trait;

use crate::core::rollout::InstanceSelector;
use crate::core::{ApplyPermit, EitherPermit, Failure, Permission, Statement, UndoPermit};
use crate::ports::{
    BalancingRead, BalancingWrite, Caller, IdentityRead, IngressRule, InstanceFacts, InventoryRead, NetworkRead,
    NetworkWrite, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, ReplicationGroupFacts, ScalingGroupFacts,
    ScalingRead, SecurityGroupFacts, StoreRead, StoreWrite, SubnetFacts, SubnetGroupFacts, TaggedResource,
    TargetGroupFacts, TargetPlace, WriteFailure,
};

/// Refuses every call.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCloud;

fn refuse<T>() -> Result<T, Failure> {
    Err(Failure::permanent("this `migrate` was built without the `aws` feature: it cannot reach AWS")
        .hint("build it with `cargo build --release`, which turns the feature on"))
}

fn refuse_write() -> Result<(), WriteFailure> {
    refuse().map_err(WriteFailure::clean)
}

#[async_trait]
impl IdentityRead for NoCloud {
    async fn caller(&self) -> Result<Caller, Failure> {
        refuse()
    }

    async fn simulate(&self, _: &Caller, _: &Statement) -> Result<Vec<(String, Permission)>, Failure> {
        refuse()
    }
}

#[async_trait]
impl NetworkRead for NoCloud {
    async fn dry_run_create_security_group(&self, _: &str) -> Result<Permission, Failure> {
        refuse()
    }

    async fn instance(&self, _: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure> {
        refuse()
    }

    async fn subnets(&self, _: &str) -> Result<Vec<SubnetFacts>, Failure> {
        refuse()
    }

    async fn security_group(&self, _: &str) -> Result<Option<SecurityGroupFacts>, Failure> {
        refuse()
    }
}

#[async_trait]
impl StoreRead for NoCloud {
    async fn subnet_group(&self, _: &str) -> Result<Option<SubnetGroupFacts>, Failure> {
        refuse()
    }

    async fn replication_group(&self, _: &str) -> Result<Option<ReplicationGroupFacts>, Failure> {
        refuse()
    }
}

#[async_trait]
impl BalancingRead for NoCloud {
    async fn target_group(&self, _: &str) -> Result<Option<TargetGroupFacts>, Failure> {
        refuse()
    }
}

#[async_trait]
impl ScalingRead for NoCloud {
    async fn scaling_group(&self, _: &str) -> Result<Option<ScalingGroupFacts>, Failure> {
        refuse()
    }
}

#[async_trait]
impl InventoryRead for NoCloud {
    async fn tagged(&self, _: &str, _: &str) -> Result<Vec<TaggedResource>, Failure> {
        refuse()
    }
}

#[async_trait]
impl NetworkWrite for NoCloud {
    async fn create_security_group(&self, _: &ApplyPermit, _: &NewSecurityGroup) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn delete_security_group(&self, _: &UndoPermit, _: &str) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn authorize(&self, _: &ApplyPermit, _: &str, _: &[IngressRule]) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn revoke(&self, _: &UndoPermit, _: &str, _: &[IngressRule]) -> Result<(), WriteFailure> {
        refuse_write()
    }
}

#[async_trait]
impl StoreWrite for NoCloud {
    async fn create_subnet_group(&self, _: &ApplyPermit, _: &NewSubnetGroup) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn delete_subnet_group(&self, _: &UndoPermit, _: &str) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn create_replication_group(&self, _: &ApplyPermit, _: &NewReplicationGroup) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn delete_replication_group(&self, _: &UndoPermit, _: &str) -> Result<(), WriteFailure> {
        refuse_write()
    }
}

#[async_trait]
impl BalancingWrite for NoCloud {
    async fn deregister_target(&self, _: &ApplyPermit, _: &str, _: &TargetPlace) -> Result<(), WriteFailure> {
        refuse_write()
    }

    async fn register_target(&self, _: EitherPermit<'_>, _: &str, _: &TargetPlace) -> Result<(), WriteFailure> {
        refuse_write()
    }
}
