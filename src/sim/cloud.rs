//! AWS's calls.

use async_trait::async_trait;

use super::World;
use crate::core::rollout::InstanceSelector;
use crate::core::{ApplyPermit, EitherPermit, Failure, Permission, Statement, UndoPermit};
use crate::ports::{
    Caller, CloudRead, CloudWrite, IngressRule, InstanceFacts, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup,
    ReplicationGroupFacts, ResourceKind, ScalingGroupFacts, SecurityGroupFacts, SubnetFacts, SubnetGroupFacts,
    TaggedResource, TargetGroupFacts, TargetPlace, WriteFailure,
};

use super::cache::CacheServer;

#[async_trait]
impl CloudRead for World {
    async fn caller(&self) -> Result<Caller, Failure> {
        let nobody = || Failure::permanent("there are no AWS credentials");
        self.ask("cloud.caller", |state| state.cloud.caller.clone().ok_or_else(nobody)).await
    }

    async fn simulate(&self, _: &Caller, statement: &Statement) -> Result<Vec<(String, Permission)>, Failure> {
        self.ask("cloud.simulate", |state| {
            let permission =
                |action: &String| state.cloud.permissions.get(action).copied().unwrap_or(Permission::Allowed);
            let may_simulate = permission(&"iam:SimulatePrincipalPolicy".to_owned()) == Permission::Allowed;
            let answer =
                |action: &String| (action.clone(), if may_simulate { permission(action) } else { Permission::Unknown });
            Ok(statement.actions.iter().map(answer).collect())
        })
        .await
    }

    async fn dry_run_create_security_group(&self, _: &str) -> Result<Permission, Failure> {
        self.ask("cloud.dry_run", |state| {
            let simulated = state.cloud.permissions.get("ec2:CreateSecurityGroup").copied();
            Ok(state.cloud.dry_run.or(simulated).unwrap_or(Permission::Allowed))
        })
        .await
    }

    async fn instance(&self, selector: &InstanceSelector) -> Result<Option<InstanceFacts>, Failure> {
        self.ask("cloud.instance", |state| {
            let wanted = selector.as_str();
            let mut found = state.cloud.instances.iter().filter(|(name, facts)| name == wanted || facts.id == wanted);
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => Err(Failure::permanent(format!("several instances are named `{wanted}`"))),
                (only, _) => Ok(only.map(|(_, facts)| facts.clone())),
            }
        })
        .await
    }

    async fn subnets(&self, vpc: &str) -> Result<Vec<SubnetFacts>, Failure> {
        self.ask("cloud.subnets", |state| Ok(state.cloud.subnets.get(vpc).cloned().unwrap_or_default())).await
    }

    async fn security_group(&self, name: &str) -> Result<Option<SecurityGroupFacts>, Failure> {
        self.ask("cloud.security_group", |state| Ok(state.cloud.security_groups.get(name).cloned())).await
    }

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

    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure> {
        self.ask("cloud.target_group", |state| Ok(state.cloud.target_groups.get(name).cloned())).await
    }

    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure> {
        self.ask("cloud.scaling_group", |state| Ok(state.cloud.scaling_groups.get(name).cloned())).await
    }

    async fn tagged(&self, key: &str, value: &str) -> Result<Vec<TaggedResource>, Failure> {
        self.ask("cloud.tagged", |state| {
            let cloud = &state.cloud;
            let carries = |tags: &crate::ports::Tags| tags.get(key).is_some_and(|found| found == value);
            let clusters = cloud.clusters.iter().filter(|(_, cluster)| carries(&cluster.facts.tags));
            let groups = cloud.security_groups.values().filter(|group| carries(&group.tags));
            let subnet_groups = cloud.subnet_groups.iter().filter(|(_, group)| carries(&group.tags));
            let resource = |kind, name: &String| TaggedResource { kind, name: name.clone() };
            Ok(clusters
                .map(|(id, _)| resource(ResourceKind::ReplicationGroup, id))
                .chain(groups.map(|group| resource(ResourceKind::SecurityGroup, &group.id)))
                .chain(subnet_groups.map(|(name, _)| resource(ResourceKind::SubnetGroup, name)))
                .collect())
        })
        .await
    }
}

#[async_trait]
impl CloudWrite for World {
    async fn create_subnet_group(&self, permit: &ApplyPermit, new: &NewSubnetGroup) -> Result<(), WriteFailure> {
        self.write("cloud.create_subnet_group", &new.name, permit.step(), |state, _| {
            let cloud = &mut state.cloud;
            if cloud.subnet_groups.contains_key(&new.name) {
                return Err(Failure::permanent(format!("CacheSubnetGroupAlreadyExists: {}", new.name)));
            }
            let arn = cloud.arn("elasticache", &format!("subnetgroup:{}", new.name));
            let vpc =
                cloud.subnets.iter().find(|(_, subnets)| subnets.iter().any(|subnet| new.subnets.contains(&subnet.id)));
            let Some(vpc) = vpc.map(|(vpc, _)| vpc.clone()) else {
                return Err(Failure::permanent("InvalidSubnet: there is no such subnet"));
            };
            let mut subnets = new.subnets.clone();
            subnets.sort();
            let facts = SubnetGroupFacts { arn, vpc, subnets, tags: new.tags.clone() };
            cloud.subnet_groups.insert(new.name.clone(), facts);
            Ok(())
        })
        .await
    }

    async fn delete_subnet_group(&self, permit: &UndoPermit, name: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_subnet_group", name, permit.step(), |state, _| {
            if state.cloud.clusters.values().any(|cluster| cluster.subnet_group == name) {
                return Err(Failure::transient(format!("CacheSubnetGroupInUse: {name}")));
            }
            state.cloud.subnet_groups.remove(name);
            Ok(())
        })
        .await
    }

    async fn create_security_group(&self, permit: &ApplyPermit, new: &NewSecurityGroup) -> Result<(), WriteFailure> {
        self.write("cloud.create_security_group", &new.name, permit.step(), |state, _| {
            let cloud = &mut state.cloud;
            if cloud.security_groups.contains_key(&new.name) {
                return Err(Failure::permanent(format!("InvalidGroup.Duplicate: {}", new.name)));
            }
            let id = cloud.new_group_id();
            let facts = SecurityGroupFacts { id, vpc: new.vpc.clone(), tags: new.tags.clone(), ingress: Vec::new() };
            cloud.security_groups.insert(new.name.clone(), facts);
            Ok(())
        })
        .await
    }

    async fn delete_security_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_security_group", id, permit.step(), |state, _| {
            let used = state.cloud.clusters.values().any(|cluster| cluster.security_group == id);
            if used || state.cloud.lingering.contains_key(id) {
                return Err(Failure::transient(format!("DependencyViolation: {id} has a dependent object")));
            }
            state.cloud.security_groups.retain(|_, group| group.id != id);
            Ok(())
        })
        .await
    }

    async fn authorize(&self, permit: &ApplyPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        self.write("cloud.authorize", group, permit.step(), |state, _| {
            let found = state.cloud.security_groups.values_mut().find(|facts| facts.id == group);
            let facts = found.ok_or_else(|| Failure::permanent(format!("InvalidGroup.NotFound: {group}")))?;
            for rule in rules {
                if !facts.ingress.contains(rule) {
                    facts.ingress.push(rule.clone());
                }
            }
            Ok(())
        })
        .await
    }

    async fn revoke(&self, permit: &UndoPermit, group: &str, rules: &[IngressRule]) -> Result<(), WriteFailure> {
        self.write("cloud.revoke", group, permit.step(), |state, _| {
            if let Some(facts) = state.cloud.security_groups.values_mut().find(|facts| facts.id == group) {
                facts.ingress.retain(|rule| !rules.contains(rule));
            }
            Ok(())
        })
        .await
    }

    async fn create_replication_group(
        &self,
        permit: &ApplyPermit,
        new: &NewReplicationGroup,
    ) -> Result<(), WriteFailure> {
        self.write("cloud.create_replication_group", &new.id, permit.step(), |state, now| {
            let endpoint = state.cloud.new_cluster(new, now)?;
            let token = new.token.as_ref().map(|token| token.expose().to_owned());
            // Every cluster is another server: a run_id is never used twice.
            let run_id = crate::core::Digest::of(format!("{endpoint} {now:?}").as_bytes()).as_str()[..40].to_owned();
            let server = CacheServer::new(run_id, new.engine_version.clone(), new.encrypt_in_transit, token);
            state.stores.insert(endpoint.to_string(), server);
            Ok(())
        })
        .await
    }

    async fn delete_replication_group(&self, permit: &UndoPermit, id: &str) -> Result<(), WriteFailure> {
        self.write("cloud.delete_replication_group", id, permit.step(), |state, now| {
            let Some(cluster) = state.cloud.clusters.get_mut(id) else {
                return Ok(());
            };
            if now < cluster.ready_at {
                return Err(Failure::transient(format!("InvalidReplicationGroupState: {id} is creating")));
            }
            cluster.deleted_at.get_or_insert(now);
            Ok(())
        })
        .await
    }

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
