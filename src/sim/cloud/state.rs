//! AWS as data: what there is, who may do what, and how long things take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::balancing::TargetMoves;
use super::cluster::{Cluster, Timing};
use crate::core::rollout::{InstanceSelector, LoadBalancer, ProductionTarget, Rollout};
use crate::core::{Failure, Permission};
use crate::ports::{
    Caller, Endpoint, IngressRule, InstanceFacts, RegisteredTarget, ReplicationGroupStatus, ScalingGroupFacts,
    SecurityGroupFacts, SubnetFacts, SubnetGroupFacts, TargetGroupFacts, TargetHealth, TargetPlace,
};

/// The account everything is in.
const ACCOUNT: &str = "123456789012";
const VPC: &str = "vpc-0a1b2c3d";

/// AWS.
#[derive(Debug, Clone, Default)]
pub struct CloudState {
    /// Who is asking.
    pub caller: Option<Caller>,
    /// Permissions by action; what is not listed is allowed.
    pub permissions: BTreeMap<String, Permission>,
    /// What the dry run says; `None`: as the permissions say.
    pub dry_run: Option<Permission>,
    /// Instances, each with its `Name` tag.
    pub instances: Vec<(String, InstanceFacts)>,
    /// Subnets by VPC.
    pub subnets: BTreeMap<String, Vec<SubnetFacts>>,
    /// Security groups by name.
    pub security_groups: BTreeMap<String, SecurityGroupFacts>,
    /// Cache subnet groups by name.
    pub subnet_groups: BTreeMap<String, SubnetGroupFacts>,
    /// Replication groups by id.
    pub clusters: BTreeMap<String, Cluster>,
    /// Target groups by name.
    pub target_groups: BTreeMap<String, TargetGroupFacts>,
    /// Auto scaling groups by name.
    pub scaling_groups: BTreeMap<String, ScalingGroupFacts>,
    /// Targets that are on their way out or in.
    moves: TargetMoves,
    /// How long things take.
    pub timing: Timing,
    /// Whether the next cluster ends as `create-failed`.
    pub next_cluster_fails: bool,
    /// Security groups that still count as used, by id, and until when.
    lingering: BTreeMap<String, Duration>,
    next_group: u32,
    region: String,
}

impl CloudState {
    /// The account that a rollout describes: everything as declared, and nothing created yet.
    pub(in crate::sim) fn from_rollout(rollout: &Rollout) -> Self {
        let selectors = std::iter::once(&rollout.staging.instance)
            .chain(rollout.production.targets.iter().map(|target| &target.instance));
        let groups = BTreeMap::from([
            ("sg-0default".to_owned(), "default".to_owned()),
            ("sg-0application".to_owned(), format!("{}-application", rollout.name)),
        ]);
        let instances = selectors
            .enumerate()
            .map(|(index, selector)| {
                let facts = InstanceFacts {
                    id: instance_id(selector, index),
                    state: "running".into(),
                    vpc: VPC.into(),
                    subnet: format!("subnet-0{}", index % 2),
                    private_address: format!("10.0.{index}.10"),
                    security_groups: groups.clone(),
                    tags: BTreeMap::from([("Name".to_owned(), selector.as_str().to_owned())]),
                };
                (selector.as_str().to_owned(), facts)
            })
            .collect::<Vec<(String, InstanceFacts)>>();
        let subnet = |index: u32, zone: char| SubnetFacts {
            id: format!("subnet-0{index}"),
            zone: format!("{}{zone}", rollout.region),
        };
        Self {
            caller: Some(Caller { account: ACCOUNT.into(), arn: format!("arn:aws:iam::{ACCOUNT}:user/operator") }),
            subnets: BTreeMap::from([(VPC.to_owned(), vec![subnet(0, 'a'), subnet(1, 'b')])]),
            target_groups: target_groups(rollout, &instances),
            instances,
            region: rollout.region.to_string(),
            ..Self::default()
        }
    }

    /// What the passing of time does.
    pub(in crate::sim) fn catch_up(&mut self, now: Duration) {
        let deleting = self.timing.deleting;
        let gone: Vec<String> = self
            .clusters
            .iter()
            .filter(|(_, cluster)| cluster.deleted_at.is_some_and(|at| now >= at + deleting))
            .map(|(id, _)| id.clone())
            .collect();
        for id in gone {
            if let Some(cluster) = self.clusters.remove(&id) {
                let end = cluster.deleted_at.unwrap_or_default() + deleting + self.timing.lingering;
                self.lingering.insert(cluster.security_group, end);
            }
        }
        self.lingering.retain(|_, until| *until > now);
        self.moves.catch_up(&mut self.target_groups, &self.timing, now);
    }

    /// The ARN of a resource in this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{resource}", self.region)
    }

    /// The id of the next security group.
    pub(super) fn new_group_id(&mut self) -> String {
        self.next_group += 1;
        format!("sg-0cache{:04}", self.next_group)
    }

    /// The groups an instance holds.
    pub(in crate::sim) fn groups_of(&self, instance: &str) -> Vec<String> {
        let found = self.instances.iter().find(|(name, facts)| name == instance || facts.id == instance);
        found.map(|(_, facts)| facts.security_groups.keys().cloned().collect()).unwrap_or_default()
    }

    /// The rules in front of a cluster's endpoint; `None` when no such name resolves.
    pub(in crate::sim) fn rules_before(&self, endpoint: &Endpoint, now: Duration) -> Option<&[IngressRule]> {
        let cluster = self.clusters.values().find(|cluster| cluster.facts.endpoint.as_ref() == Some(endpoint))?;
        if cluster.status(now) != ReplicationGroupStatus::Available {
            return None;
        }
        let group = self.security_groups.values().find(|group| group.id == cluster.security_group)?;
        Some(&group.ingress)
    }

    /// Begins a target's deregistration from a group.
    pub(in crate::sim) fn deregister(
        &mut self,
        group: &str,
        place: &TargetPlace,
        now: Duration,
    ) -> Result<(), Failure> {
        self.moves.deregister(&mut self.target_groups, group, place, now)
    }

    /// Begins a target's registration with a group.
    pub(in crate::sim) fn register(&mut self, group: &str, place: &TargetPlace, now: Duration) -> Result<(), Failure> {
        if !self.instances.iter().any(|(_, instance)| instance.id == place.id) {
            return Err(Failure::permanent(format!("InvalidTarget: {}", place.id)));
        }
        self.moves.register(&mut self.target_groups, group, place, now)
    }

    /// Whether a security group is in use, or still counts as used.
    pub(super) fn uses(&self, security_group: &str) -> bool {
        self.clusters.values().any(|cluster| cluster.security_group == security_group)
            || self.lingering.contains_key(security_group)
    }
}

/// The declared target group, with every production target in it.
fn target_groups(rollout: &Rollout, instances: &[(String, InstanceFacts)]) -> BTreeMap<String, TargetGroupFacts> {
    let LoadBalancer::Group(group) = &rollout.production.load_balancer else { return BTreeMap::new() };
    let id = |target: &ProductionTarget| {
        instances.iter().find(|(name, _)| name == target.instance.as_str()).map(|(_, facts)| facts.id.clone())
    };
    let port = rollout.application.port.number();
    let targets = rollout.production.targets.iter().filter_map(id);
    let facts = TargetGroupFacts {
        arn: format!("arn:aws:elasticloadbalancing:{}:{ACCOUNT}:targetgroup/{}/1", rollout.region, group.target_group),
        health_path: "/ping".into(),
        sticky: true,
        targets: targets.map(|id| RegisteredTarget { id, port, health: TargetHealth::Healthy }).collect(),
    };
    BTreeMap::from([(group.target_group.clone(), facts)])
}

fn instance_id(selector: &InstanceSelector, index: usize) -> String {
    match selector.as_str().starts_with("i-") {
        true => selector.as_str().to_owned(),
        false => format!("i-{index:017x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_finishes_before_it_is_gone_and_is_judged_before_it_gets_users() {
        let rollout = serde_yaml::from_str(include_str!("../../../rollout.yaml")).unwrap();
        let mut cloud = CloudState::from_rollout(&rollout);
        let (arn, first) = {
            let group = cloud.target_groups.values().next().unwrap();
            (group.arn.clone(), group.targets[0].clone())
        };
        let place = TargetPlace { id: first.id, port: first.port };
        let health = |cloud: &CloudState| {
            let group = cloud.target_groups.values().next().unwrap();
            group.targets.iter().find(|target| place.is(target)).map(|target| target.health.clone())
        };
        let at = Duration::from_secs;
        cloud.deregister(&arn, &place, at(10)).unwrap();
        // Asked for twice, it does not begin anew.
        cloud.deregister(&arn, &place, at(200)).unwrap();
        cloud.catch_up(at(309));
        assert_eq!(health(&cloud), Some(TargetHealth::Draining));
        cloud.catch_up(at(310));
        assert_eq!(health(&cloud), None);
        cloud.deregister(&arn, &place, at(311)).unwrap();
        cloud.register(&arn, &place, at(320)).unwrap();
        cloud.register(&arn, &place, at(330)).unwrap();
        cloud.catch_up(at(354));
        assert_eq!(health(&cloud), Some(TargetHealth::Initial));
        cloud.catch_up(at(355));
        assert_eq!(health(&cloud), Some(TargetHealth::Healthy));
        // One that is leaving can be kept.
        cloud.deregister(&arn, &place, at(400)).unwrap();
        cloud.register(&arn, &place, at(410)).unwrap();
        cloud.catch_up(at(900));
        assert_eq!(health(&cloud), Some(TargetHealth::Healthy));
        assert!(cloud.register("arn:other", &place, at(900)).is_err());
        let stranger = TargetPlace { id: "i-0stranger".into(), port: 8080 };
        assert!(cloud.register(&arn, &stranger, at(900)).is_err());
    }
}
