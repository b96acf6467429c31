//! `network_facts`: where the instances are, and so where the store has to be.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use super::covering_groups::covering_groups;
use crate::core::{Contract, Facts, Failure, Statement, Verdict, rollout::Rollout};
use crate::ports::{InstanceFacts, SubnetFacts};
use crate::steps::at_once::several_at_once;
use crate::steps::facts::{APPLICATION_GROUPS, SUBNETS, VPC};
use crate::steps::measure::measurement;
use crate::steps::targets::list;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step};

/// ElastiCache's quota of subnets in a subnet group.
const MAX_SUBNETS: usize = 20;

/// Finds every instance, their one VPC, its subnets, and the security groups that stand for the application.
pub struct NetworkFacts;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for NetworkFacts {
    type Settings = Settings;
    const NAME: &'static str = "network_facts";
    const SUMMARY: &'static str = "finds the instances, their VPC, its subnets and the application's security groups";
    const CONTRACT: Contract = Contract::Observe;
    const PROVIDES: &'static [&'static str] = &[VPC.name(), SUBNETS.name(), APPLICATION_GROUPS.name()];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for NetworkFacts {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let names: Vec<String> = rollout.target_names().iter().map(ToString::to_string).collect();
        Diff::one(DiffAction::Read, format!("the instances of {}, their VPC and its subnets", names.join(", ")))
    }

    fn actions(&self, _: &Rollout) -> Vec<Statement> {
        vec![Statement {
            purpose: "find instances and subnets".into(),
            actions: vec!["ec2:DescribeInstances".into(), "ec2:DescribeSubnets".into()],
            resources: vec!["*".into()],
        }]
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let instances = running_instances(context).await?;
        let vpc = common_vpc(&instances)?;
        let subnets = context.ports.cloud.subnets(&vpc).await?;
        let zones: BTreeSet<&str> = subnets.iter().map(|subnet| subnet.zone.as_str()).collect();
        let replicas = context.rollout().cache.replicas;
        if replicas > 0 && zones.len() < 2 {
            return Err(Failure::permanent(format!(
                "{vpc} has subnets in {} availability zone(s), and cache.replicas: {replicas} needs two: a replica beside its primary survives nothing",
                zones.len()
            ))
            .hint("add a subnet in a second zone, or set cache.replicas: 0 in rollout.yaml"));
        }
        if subnets.is_empty() {
            return Err(Failure::permanent(format!("{vpc} has no subnets that these credentials can see")));
        }
        let held: Vec<BTreeMap<String, String>> =
            instances.iter().map(|(_, instance)| instance.security_groups.clone()).collect();
        let groups = covering_groups(&held)
            .ok_or_else(|| Failure::permanent("an instance holds no security group, so nothing can stand for it"))?;
        let subnets = spread(subnets);
        let data = serde_json::json!({
            "vpc": vpc, "subnets": subnets, "application_groups": groups,
            "instances": instances.iter().map(|(name, instance)| (name.clone(), instance.id.clone())).collect::<BTreeMap<_, _>>(),
        });
        let summary = format!(
            "{} instances in {vpc}, {} subnets; the store will admit {}",
            instances.len(),
            subnets.len(),
            groups.join(", ")
        );
        Ok(Observation {
            facts: Facts::new()
                .with_fact(VPC, vpc.clone())
                .with_fact(SUBNETS, subnets)
                .with_fact(APPLICATION_GROUPS, groups),
            measurements: vec![measurement(Verdict::Pass, vpc, summary, data)],
            failure: None,
        })
    }
}

/// Every target's instance, or one failure that names all that are missing or not running.
async fn running_instances(context: &ReadContext<'_>) -> Result<Vec<(String, InstanceFacts)>, Failure> {
    let mut instances = Vec::new();
    let mut problems = Vec::new();
    let asked = several_at_once(list::all(context.rollout()), async |target| {
        (context.ports.cloud.instance(target.instance).await, target)
    });
    for (instance, target) in asked.await {
        match instance? {
            None => problems.push(format!("{}: there is no instance `{}`", target.name, target.instance)),
            Some(found) if found.state != "running" => {
                problems.push(format!("{}: {} is {}, not running", target.name, found.id, found.state));
            }
            Some(found) => instances.push((target.name.to_string(), found)),
        }
    }
    if problems.is_empty() {
        return Ok(instances);
    }
    let region = &context.rollout().region;
    Err(Failure::permanent(problems.join("\n"))
        .hint(format!("check `instance:` of each target in rollout.yaml, and that the region is {region}")))
}

/// The VPC all instances share: the store can only be in one.
fn common_vpc(instances: &[(String, InstanceFacts)]) -> Result<String, Failure> {
    let vpcs: BTreeSet<&str> = instances.iter().map(|(_, instance)| instance.vpc.as_str()).collect();
    match Vec::from_iter(vpcs).as_slice() {
        [vpc] => Ok((*vpc).to_owned()),
        _ => {
            let where_each: Vec<String> =
                instances.iter().map(|(name, instance)| format!("{name} in {}", instance.vpc)).collect();
            Err(Failure::permanent(format!("the instances are not in one VPC: {}", where_each.join(", ")))
                .hint("`migrate` creates one store in one VPC; peered VPCs are not supported"))
        }
    }
}

/// At most as many subnets as a group may hold, zone by zone in turn, so that no zone is lost to the quota.
fn spread(subnets: Vec<SubnetFacts>) -> Vec<String> {
    let mut by_zone: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for subnet in subnets {
        by_zone.entry(subnet.zone).or_default().push(subnet.id);
    }
    let mut ranked: Vec<(usize, String)> = Vec::new();
    for ids in by_zone.into_values() {
        let mut ids = ids;
        ids.sort();
        ranked.extend(ids.into_iter().enumerate());
    }
    ranked.sort();
    let mut chosen: Vec<String> = ranked.into_iter().take(MAX_SUBNETS).map(|(_, id)| id).collect();
    chosen.sort();
    chosen
}
