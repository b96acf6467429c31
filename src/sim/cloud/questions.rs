//! What AWS says about permissions, instances and tagged resources.

use super::state::CloudState;
use crate::core::{Failure, Permission, Statement};
use crate::ports::{InstanceFacts, ResourceKind, TaggedResource, Tags};

impl CloudState {
    /// The permission for each action of a statement; unknown when simulating them is not permitted.
    pub(in crate::sim) fn simulate(&self, statement: &Statement) -> Vec<(String, Permission)> {
        let permission = |action: &str| self.permissions.get(action).copied().unwrap_or(Permission::Allowed);
        let may_simulate = permission("iam:SimulatePrincipalPolicy") == Permission::Allowed;
        let answer =
            |action: &String| (action.clone(), if may_simulate { permission(action) } else { Permission::Unknown });
        statement.actions.iter().map(answer).collect()
    }

    /// What a dry run of the creation of a security group says.
    pub(in crate::sim) fn dry_run_create_security_group(&self) -> Permission {
        let simulated = self.permissions.get("ec2:CreateSecurityGroup").copied();
        self.dry_run.or(simulated).unwrap_or(Permission::Allowed)
    }

    /// The instance of this id or `Name` tag.
    pub(in crate::sim) fn instance(&self, wanted: &str) -> Result<Option<InstanceFacts>, Failure> {
        let mut found = self.instances.iter().filter(|(name, facts)| name == wanted || facts.id == wanted);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Failure::permanent(format!("several instances are named `{wanted}`"))),
            (only, _) => Ok(only.map(|(_, facts)| facts.clone())),
        }
    }

    /// Every resource that carries a tag.
    pub(in crate::sim) fn tagged(&self, key: &str, value: &str) -> Vec<TaggedResource> {
        let carries = |tags: &Tags| tags.get(key).is_some_and(|found| found == value);
        let clusters = self.clusters.iter().filter(|(_, cluster)| carries(&cluster.facts.tags));
        let groups = self.security_groups.values().filter(|group| carries(&group.tags));
        let subnet_groups = self.subnet_groups.iter().filter(|(_, group)| carries(&group.tags));
        let resource = |kind, name: &String| TaggedResource { kind, name: name.clone() };
        clusters
            .map(|(id, _)| resource(ResourceKind::ReplicationGroup, id))
            .chain(groups.map(|group| resource(ResourceKind::SecurityGroup, &group.id)))
            .chain(subnet_groups.map(|(name, _)| resource(ResourceKind::SubnetGroup, name)))
            .collect()
    }
}
