//! AWS's calls.

use async_trait::async_trait;

use super::calls::World;
use crate::core::rollout::InstanceSelector;
use crate::core::{ApplyPermit, EitherPermit, Failure, Permission, Statement, UndoPermit};
use crate::ports::{
    BalancingRead, BalancingWrite, Caller, IdentityRead, IngressRule, InstanceFacts, InventoryRead, NetworkRead,
    NetworkWrite, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, ReplicationGroupFacts, ScalingGroupFacts,
    ScalingRead, SecurityGroupFacts, StoreRead, StoreWrite, SubnetFacts, SubnetGroupFacts, TaggedResource,
    TargetGroupFacts, TargetPlace, WriteFailure,
};

#[async_trait]
impl IdentityRead for World {
    async fn caller(&self) -> Result<Caller, Failure> {
        let missing = || Failure::permanent("there are no AWS credentials");
        self.ask("cloud.caller", |state| state.cloud.caller.clone().ok_or_else(missing)).await
    }

    async fn simulate(&self, _: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure> {
        self.ask("cloud.simulate", |state| Ok(state.cloud.simulate(statement))).await
    }
}

#[async_trait]
impl NetworkRead for World {
    async fn dry_run_create_security_group(&self, _: &str) -> Result<Permission, Failure> {
        self.ask("cloud.dry_run", |state| Ok(state.cloud.dry_run_create_security_group())).await
    }

    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure> {
        self.ask("cloud.instance", |state| state.cloud.instance(selector.as_str())).await
    }

    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure> {
        self.ask("cloud.subnets", |state| Ok(state.cloud.subnets.get(vpc).cloned().unwrap_or_default())).await
    }

    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure> {
        self.ask("cloud.security_group", |state| Ok(state.cloud.security_groups.get(name).cloned())).await
    }
}

#[async_trait]
impl StoreRead for World {
    async fn subnet_group(&self, name: &str) -> Result<Option<SubnetGroupFacts>, Failure> {
        self.ask("cloud.subnet_group", |state| Ok(state.cloud.subnet_groups.get(name).cloned())).await
    }

    async fn replication_group(&self, id: &str) -> Result<Option<ReplicationGroupFacts>, Failure> {
        let world = self.clone();
        self.ask("cloud.replication_group", move |state| {
            let now = world.time().now();
            Ok(state.cloud.clusters.get(id).map(|cluster| cluster.described(now)))
        })
        .await
    }
}

#[async_trait]
impl BalancingRead for World {
    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure> {
        self.ask("cloud.target_group", |state| Ok(state.cloud.target_groups.get(name).cloned())).await
    }
}

#[async_trait]
impl ScalingRead for World {
    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure> {
        self.ask("cloud.scaling_group", |state| Ok(state.cloud.scaling_groups.get(name).cloned())).await
    }
}

#[async_trait]
impl InventoryRead for World {
    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure> {
        self.ask("cloud.tagged", |state| Ok(state.cloud.tagged(key, value))).await
    }
}

#[async_trait]
impl NetworkWrite for World {
    async fn create_security_group(&self, permit: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure> {
        self.write("cloud.create_security_group", &new.name, permit.step(), |state, _| {
            state.cloud.create_security_group(new)
        })
        .await
    }

    async fn delete_security_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_security_group", id, permit.step(), |state, _| state.cloud.delete_security_group(id))
            .await
    }

    async fn authorize(&self, permit: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        self.write("cloud.authorize", group, permit.step(), |state, _| state.cloud.authorize(group, rules)).await
    }

    async fn revoke(&self, permit: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        self.write("cloud.revoke", group, permit.step(), |state, _| {
            state.cloud.revoke(group, rules);
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl StoreWrite for World {
    async fn create_subnet_group(&self, permit: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure> {
        self.write("cloud.create_subnet_group", &new.name, permit.step(), |state, _| {
            state.cloud.create_subnet_group(new)
        })
        .await
    }

    async fn delete_subnet_group(&self, permit: &UndoPermit, name: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_subnet_group", name, permit.step(), |state, _| state.cloud.delete_subnet_group(name))
            .await
    }

    async fn create_replication_group(
        &self,
        permit: &ApplyPermit,
        new: &NewReplicationGroup,
    ) -> Result<(), WriteFailure> {
        self.write("cloud.create_replication_group", &new.id, permit.step(), |state, now| {
            state.create_cluster(new, now)
        })
        .await
    }

    async fn delete_replication_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_replication_group", id, permit.step(), |state, now| {
            state.cloud.delete_cluster(id, now)
        })
        .await
    }
}

#[async_trait]
impl BalancingWrite for World {
    async fn deregister_target(
        &self,
        permit: &ApplyPermit,
        group: &str,
        place: &TargetPlace,
    ) -> Result<(), WriteFailure> {
        self.write("cloud.deregister_target", &place.id, permit.step(), |state, now| {
            state.cloud.deregister(group, place, now)
        })
        .await
    }

    async fn register_target(
        &self,
        permit: EitherPermit<'_>,
        group: &str,
        place: &TargetPlace,
    ) -> Result<(), WriteFailure> {
        self.write("cloud.register_target", &place.id, permit.step(), |state, now| {
            state.cloud.register(group, place, now)
        })
        .await
    }
}
