//! AWS as data: what there is, who may do what, and how long things take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::balancing::TargetMove;
use crate::core::rollout::{InstanceSelector, LoadBalancer, ProductionTarget, Rollout};
use crate::core::{Failure, Permission};
use crate::ports::{
    Caller, Endpoint, IngressRule, InstanceFacts, NewReplicationGroup, RegisteredTarget, ReplicationGroupFacts,
    ReplicationGroupStatus, ScalingGroupFacts, SecurityGroupFacts, SubnetFacts, SubnetGroupFacts, TargetGroupFacts,
    TargetHealth,
};

/// The account everything is in.
pub(super) const ACCOUNT: &str = "123456789012";
const VPC: &str = "vpc-0a1b2c3d";

/// How long things take.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// From a cluster's creation until it is usable.
    pub creating: Duration,
    /// From a cluster's deletion until it is gone.
    pub deleting: Duration,
    /// How long its security group still counts as used after that.
    pub lingering: Duration,
    /// From a target's deregistration until it is no longer listed: the target group's deregistration delay.
    pub draining: Duration,
    /// From a target's registration until it is judged healthy.
    pub judging: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            creating: Duration::from_secs(7 * 60),
            deleting: Duration::from_secs(5 * 60),
            lingering: Duration::from_secs(2 * 60),
            draining: Duration::from_secs(5 * 60),
            judging: Duration::from_secs(35),
        }
    }
}

/// A replication group.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// What a describe call says, but for the status.
    pub facts: ReplicationGroupFacts,
    /// The subnet group it is in.
    pub subnet_group: String,
    /// The security group around it, by id.
    pub security_group: String,
    /// When it was created.
    pub created_at: Duration,
    /// When it becomes usable.
    pub ready_at: Duration,
    /// When its deletion was asked for.
    pub deleted_at: Option<Duration>,
    /// Whether its creation fails instead.
    pub fails: bool,
}

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
    pub(super) moves: Vec<TargetMove>,
    /// How long things take.
    pub timing: Timing,
    /// Whether the next cluster ends as `create-failed`.
    pub next_cluster_fails: bool,
    /// Security groups that still count as used, by id, and until when.
    pub(super) lingering: BTreeMap<String, Duration>,
    next_group: u32,
    region: String,
}

impl CloudState {
    pub(super) fn from_rollout(rollout: &Rollout) -> Self {
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
    pub(super) fn catch_up(&mut self, now: Duration) {
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
        self.move_targets(now);
    }

    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{resource}", self.region)
    }

    pub(super) fn new_group_id(&mut self) -> String {
        self.next_group += 1;
        format!("sg-0cache{:04}", self.next_group)
    }

    /// The groups an instance holds.
    pub(super) fn groups_of(&self, instance: &str) -> Vec<String> {
        let found = self.instances.iter().find(|(name, facts)| name == instance || facts.id == instance);
        found.map(|(_, facts)| facts.security_groups.keys().cloned().collect()).unwrap_or_default()
    }

    /// The rules in front of a cluster's endpoint; `None` when no such name resolves.
    pub(super) fn rules_before(&self, endpoint: &Endpoint, now: Duration) -> Option<&[IngressRule]> {
        let cluster = self.clusters.values().find(|cluster| cluster.facts.endpoint.as_ref() == Some(endpoint))?;
        if cluster.status(now) != ReplicationGroupStatus::Available {
            return None;
        }
        let group = self.security_groups.values().find(|group| group.id == cluster.security_group)?;
        Some(&group.ingress)
    }

    pub(super) fn new_cluster(&mut self, new: &NewReplicationGroup, now: Duration) -> Result<Endpoint, Failure> {
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
}

impl Cluster {
    /// How it is now.
    pub fn status(&self, now: Duration) -> ReplicationGroupStatus {
        match self.deleted_at {
            Some(_) => ReplicationGroupStatus::Deleting,
            None if now < self.ready_at => ReplicationGroupStatus::Settling("creating".into()),
            None if self.fails => ReplicationGroupStatus::Failed("create-failed".into()),
            None => self.available_or_as_set(),
        }
    }

    /// A test may have set a status of its own.
    fn available_or_as_set(&self) -> ReplicationGroupStatus {
        match &self.facts.status {
            ReplicationGroupStatus::Settling(status) if status == "creating" => ReplicationGroupStatus::Available,
            other => other.clone(),
        }
    }

    /// What a describe call says now.
    pub(super) fn described(&self, now: Duration) -> ReplicationGroupFacts {
        let status = self.status(now);
        // The endpoint shows up when there is something behind it.
        let endpoint = self.facts.endpoint.clone().filter(|_| status == ReplicationGroupStatus::Available);
        ReplicationGroupFacts { status, endpoint, ..self.facts.clone() }
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
