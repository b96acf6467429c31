//! `target_group_inspection`: whether the load balancer sends users to the declared targets, on the application's port,
//! and to nobody else. An instance that is registered and in no inventory is one that a migration misses.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::rollout::{LoadBalancer, Name, ProductionTarget, Rollout};
use crate::core::{Contract, Facts, Failure, Measurement, Statement, Verdict};
use crate::ports::{TargetGroupFacts, TargetHealth};
use crate::steps::at_once::several_at_once;
use crate::steps::measure::measurement;
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// Compares the target group with rollout.yaml.
pub struct TargetGroupInspection;

/// Nothing to set.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {}

impl Kind for TargetGroupInspection {
    type Settings = Settings;
    const NAME: &'static str = "target_group_inspection";
    const SUMMARY: &'static str = "checks that the target group contains exactly the declared targets";
    const CONTRACT: Contract = Contract::Gate;
    const PROVIDES: &'static [&'static str] = &[];

    fn build(_: Settings) -> Step {
        Step::Observe(Box::new(Self))
    }
}

#[async_trait]
impl Observe for TargetGroupInspection {
    fn plan(&self, rollout: &Rollout) -> Diff {
        let what = match &rollout.production.load_balancer {
            LoadBalancer::Group(group) => format!("who is registered in the target group {}", group.target_group),
            LoadBalancer::None(_) => "nothing: there is no load balancer".to_owned(),
        };
        Diff::one(DiffAction::Read, what)
    }

    fn actions(&self, rollout: &Rollout) -> Vec<Statement> {
        reads(rollout)
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let measurements = vec![inspect(context).await?.measurement];
        let hint = "correct production.load_balancer, production.targets or application.port in rollout.yaml, or the \
                    target group";
        Ok(Observation { facts: Facts::new(), failure: measure::failure_of(&measurements, hint), measurements })
    }
}

/// What it takes to see who is registered.
pub fn reads(rollout: &Rollout) -> Vec<Statement> {
    match &rollout.production.load_balancer {
        LoadBalancer::None(_) => Vec::new(),
        LoadBalancer::Group(_) => vec![Statement {
            purpose: "see who the load balancer sends users to".into(),
            actions: vec![
                "elasticloadbalancing:DescribeTargetGroupAttributes".into(),
                "elasticloadbalancing:DescribeTargetGroups".into(),
                "elasticloadbalancing:DescribeTargetHealth".into(),
            ],
            // None of them can be narrowed to a resource:
            // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awselasticloadbalancingv2.html
            resources: vec!["*".into()],
        }],
    }
}

/// Who is registered, and what is to be said about it.
pub struct Registered {
    /// Whether they are the declared targets, on the application's port, and healthy.
    pub measurement: Measurement,
    /// The target group and its name, when there is one.
    pub group: Option<(String, TargetGroupFacts)>,
    /// Whether rollout.yaml says that there is no load balancer.
    pub is_without_balancer: bool,
}

/// Looks who is registered.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn inspect(context: &ReadContext<'_>) -> Result<Registered, Failure> {
    let name = match &context.rollout().production.load_balancer {
        LoadBalancer::Group(group) => &group.target_group,
        LoadBalancer::None(_) => {
            let words = "rollout.yaml says that there is no load balancer";
            let measurement = measurement(Verdict::Pass, "production", words, serde_json::Value::Null);
            return Ok(Registered { measurement, group: None, is_without_balancer: true });
        }
    };
    let Some(group) = context.ports.cloud.target_group(name).await? else {
        let summary = format!("there is no target group `{name}` in {}", context.rollout().region);
        let measurement = measurement(Verdict::Abort, name.as_str(), summary, serde_json::Value::Null);
        return Ok(Registered { measurement, group: None, is_without_balancer: false });
    };
    let measurement = judge(context.rollout(), name, &group, &declared(context).await?);
    Ok(Registered { measurement, group: Some((name.clone(), group)), is_without_balancer: false })
}

/// The names of the declared targets, by instance id.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn declared(context: &ReadContext<'_>) -> Result<BTreeMap<String, Name>, Failure> {
    let asked = several_at_once(&context.rollout().production.targets, async |target| {
        Ok((instance_id(context, target).await?, target.name.clone()))
    });
    asked.await.into_iter().collect()
}

/// What a load balancer calls a target.
///
/// # Errors
/// When AWS cannot be asked.
pub async fn instance_id(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<String, Failure> {
    // One that does not exist is network_facts' business; here it is one that is not registered.
    let instance = context.ports.cloud.instance(&target.instance).await?;
    Ok(instance.map_or_else(|| target.instance.to_string(), |instance| instance.id))
}

fn judge(rollout: &Rollout, name: &str, group: &TargetGroupFacts, declared: &BTreeMap<String, Name>) -> Measurement {
    let port = rollout.application.port.number();
    let mut problems = Vec::new();
    for target in &group.targets {
        let Some(known) = declared.get(&target.id) else {
            problems.push(format!("{} is registered, but is not a target in rollout.yaml", target.id));
            continue;
        };
        if target.port != port {
            problems.push(format!("{known} gets users on port {}, but the application's is {port}", target.port));
        }
        match &target.health {
            TargetHealth::Healthy => {}
            TargetHealth::Initial => problems.push(format!("{known} is registered, but not judged healthy yet")),
            TargetHealth::Draining => problems.push(format!("{known} is being deregistered")),
            TargetHealth::Unhealthy(why) | TargetHealth::Idle(why) => {
                problems.push(format!("{known} is not healthy: {why}"));
            }
        }
    }
    let missing = declared.iter().filter(|(id, _)| !group.targets.iter().any(|target| &target.id == *id));
    problems.extend(missing.map(|(id, name)| format!("{name} ({id}) is not registered")));
    let data = serde_json::json!({ "target_group": group, "declared": declared });
    let (verdict, summary) = if problems.is_empty() {
        (Verdict::Pass, format!("{name} sends users to the {} declared targets on port {port}", declared.len()))
    } else {
        (Verdict::Abort, format!("{name}: {}", problems.join("; ")))
    };
    measurement(verdict, group.arn.as_str(), summary, data)
}

/// The IAM statement for reading an instance's tags.
pub fn instance_reads() -> Statement {
    Statement {
        purpose: "find instances and subnets".into(),
        actions: vec!["ec2:DescribeInstances".into()],
        resources: vec!["*".into()],
    }
}
