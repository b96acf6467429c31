//! What AWS creates, changes and deletes, and what it refuses.

use std::time::Duration;

use super::cluster::Cluster;
use super::state::CloudState;
use crate::core::Failure;
use crate::ports::{
    Endpoint, IngressRule, NewReplicationGroup, NewSecurityGroup, NewSubnetGroup, ReplicationGroupFacts,
    ReplicationGroupStatus, SecurityGroupFacts, SubnetGroupFacts,
};

impl CloudState {
    /// Creates a cache subnet group.
    pub(in crate::sim) fn create_subnet_group(&mut self, new: &NewSubnetGroup) -> Result<(), Failure> {
        if self.subnet_groups.contains_key(&new.name) {
            return Err(Failure::permanent(format!("CacheSubnetGroupAlreadyExists: {}", new.name)));
        }
        let arn = self.arn("elasticache", &format!("subnetgroup:{}", new.name));
        let vpc =
            self.subnets.iter().find(|(_, subnets)| subnets.iter().any(|subnet| new.subnets.contains(&subnet.id)));
        let Some(vpc) = vpc.map(|(vpc, _)| vpc.clone()) else {
            return Err(Failure::permanent("InvalidSubnet: there is no such subnet"));
        };
        let mut subnets = new.subnets.clone();
        subnets.sort();
        let facts = SubnetGroupFacts { arn, vpc, subnets, tags: new.tags.clone() };
        self.subnet_groups.insert(new.name.clone(), facts);
        Ok(())
    }

    /// Deletes a cache subnet group that no cluster is in.
    pub(in crate::sim) fn delete_subnet_group(&mut self, name: &str) -> Result<(), Failure> {
        if self.clusters.values().any(|cluster| cluster.subnet_group == name) {
            return Err(Failure::transient(format!("CacheSubnetGroupInUse: {name}")));
        }
        self.subnet_groups.remove(name);
        Ok(())
    }

    /// Creates a security group without rules.
    pub(in crate::sim) fn create_security_group(&mut self, new: &NewSecurityGroup) -> Result<(), Failure> {
        if self.security_groups.contains_key(&new.name) {
            return Err(Failure::permanent(format!("InvalidGroup.Duplicate: {}", new.name)));
        }
        let id = self.new_group_id();
        let facts = SecurityGroupFacts { id, vpc: new.vpc.clone(), tags: new.tags.clone(), ingress: Vec::new() };
        self.security_groups.insert(new.name.clone(), facts);
        Ok(())
    }

    /// Deletes a security group that is not in use.
    pub(in crate::sim) fn delete_security_group(&mut self, id: &str) -> Result<(), Failure> {
        if self.uses(id) {
            return Err(Failure::transient(format!("DependencyViolation: {id} has a dependent object")));
        }
        self.security_groups.retain(|_, group| group.id != id);
        Ok(())
    }

    /// Adds rules to a security group, by id.
    pub(in crate::sim) fn authorize(&mut self, group: &str, rules: &[IngressRule]) -> Result<(), Failure> {
        let found = self.security_groups.values_mut().find(|facts| facts.id == group);
        let facts = found.ok_or_else(|| Failure::permanent(format!("InvalidGroup.NotFound: {group}")))?;
        for rule in rules {
            if !facts.ingress.contains(rule) {
                facts.ingress.push(rule.clone());
            }
        }
        Ok(())
    }

    /// Removes rules from a security group, by id.
    pub(in crate::sim) fn revoke(&mut self, group: &str, rules: &[IngressRule]) {
        if let Some(facts) = self.security_groups.values_mut().find(|facts| facts.id == group) {
            facts.ingress.retain(|rule| !rules.contains(rule));
        }
    }

    /// Begins the creation of a cluster, and says where it will be.
    pub(in crate::sim) fn new_cluster(
        &mut self,
        new: &NewReplicationGroup,
        now: Duration,
    ) -> Result<Endpoint, Failure> {
        if self.clusters.contains_key(&new.id) {
            return Err(Failure::permanent(format!("ReplicationGroupAlreadyExists: {}", new.id)));
        }
        if !self.subnet_groups.contains_key(&new.subnet_group) {
            return Err(Failure::permanent(format!("CacheSubnetGroupNotFoundFault: {}", new.subnet_group)));
        }
        if !self.security_groups.values().any(|group| group.id == new.security_group) {
            return Err(Failure::permanent(format!("InvalidParameterValue: no security group {}", new.security_group)));
        }
        if new.token.is_some() && !new.encrypt_in_transit {
            return Err(Failure::permanent("InvalidParameterCombination: an auth token needs encryption in transit"));
        }
        let endpoint = Endpoint { host: format!("master.{}.simulated.cache.amazonaws.com", new.id), port: new.port };
        let cluster = Cluster {
            facts: ReplicationGroupFacts {
                arn: self.arn("elasticache", &format!("replicationgroup:{}", new.id)),
                status: ReplicationGroupStatus::Settling("creating".into()),
                endpoint: Some(endpoint.clone()),
                encrypted_in_transit: new.encrypt_in_transit,
                token_required: new.token.is_some(),
                node_type: new.node_type.clone(),
                tags: new.tags.clone(),
            },
            subnet_group: new.subnet_group.clone(),
            security_group: new.security_group.clone(),
            created_at: now,
            ready_at: now + self.timing.creating,
            deleted_at: None,
            fails: std::mem::take(&mut self.next_cluster_fails),
        };
        self.clusters.insert(new.id.clone(), cluster);
        Ok(endpoint)
    }

    /// Begins the deletion of a cluster that is not being created.
    pub(in crate::sim) fn delete_cluster(&mut self, id: &str, now: Duration) -> Result<(), Failure> {
        let Some(cluster) = self.clusters.get_mut(id) else {
            return Ok(());
        };
        if now < cluster.ready_at {
            return Err(Failure::transient(format!("InvalidReplicationGroupState: {id} is creating")));
        }
        cluster.deleted_at.get_or_insert(now);
        Ok(())
    }
}
