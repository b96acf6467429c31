//! Elastic Load Balancing, read: a target group and who is registered in it.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::Client;
use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthReasonEnum, TargetHealthStateEnum,
};

use super::{AwsCloud, classify};
use crate::core::Failure;
use crate::ports::{BalancingRead, RegisteredTarget, TargetGroupFacts, TargetHealth};

#[async_trait]
impl BalancingRead for AwsCloud {
    /// A target group by name.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html>
    async fn target_group(&self, name: &str) -> Result<Option<TargetGroupFacts>, Failure> {
        let call = "elasticloadbalancing:DescribeTargetGroups";
        let group = match self.balancing.describe_target_groups().names(name).send().await {
            Ok(answer) => answer.target_groups.unwrap_or_default().into_iter().next(),
            Err(error) if classify::has_code(&error, &["TargetGroupNotFound", "TargetGroupNotFoundException"]) => None,
            Err(error) => return Err(classify::read(call, &error)),
        };
        let Some(group) = group else { return Ok(None) };
        let arn = group
            .target_group_arn()
            .ok_or_else(|| Failure::transient(format!("{call}: the answer has no ARN for `{name}`")))?
            .to_owned();
        let port = group.port().and_then(|port| u16::try_from(port).ok());
        let mut targets = targets(&self.balancing, &arn, port).await?;
        targets.sort_by(|one, other| (&one.id, one.port).cmp(&(&other.id, other.port)));
        Ok(Some(TargetGroupFacts {
            health_path: group.health_check_path().unwrap_or("/").to_owned(),
            sticky: sticky(&self.balancing, &arn).await?,
            arn,
            targets,
        }))
    }
}

/// The attribute that says whether users stay on one target.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html>
const STICKINESS: &str = "stickiness.enabled";

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html>
async fn targets(balancing: &Client, arn: &str, port: Option<u16>) -> Result<Vec<RegisteredTarget>, Failure> {
    let call = "elasticloadbalancing:DescribeTargetHealth";
    let answer = balancing.describe_target_health().target_group_arn(arn).send().await;
    let described = answer.map_err(|error| classify::read(call, &error))?;
    described
        .target_health_descriptions()
        .iter()
        .map(|described| {
            let target = described.target();
            let id = target.and_then(TargetDescription::id).map(str::to_owned);
            // A target without a port of its own gets its users on the group's.
            let own = target.and_then(TargetDescription::port).and_then(|port| u16::try_from(port).ok());
            let incomplete = || Failure::transient(format!("{call}: a target has no id or no port"));
            let (id, port) = id.zip(own.or(port)).ok_or_else(incomplete)?;
            Ok(RegisteredTarget { id, port, health: health(described) })
        })
        .collect()
}

fn health(described: &TargetHealthDescription) -> TargetHealth {
    let health = described.target_health();
    let why =
        health.and_then(|health| health.description().or_else(|| health.reason().map(TargetHealthReasonEnum::as_str)));
    match health.and_then(|health| health.state()) {
        Some(TargetHealthStateEnum::Healthy) => TargetHealth::Healthy,
        Some(TargetHealthStateEnum::Initial) => TargetHealth::Initial,
        Some(TargetHealthStateEnum::Draining | TargetHealthStateEnum::UnhealthyDraining) => TargetHealth::Draining,
        Some(TargetHealthStateEnum::Unhealthy) => TargetHealth::Unhealthy(why.unwrap_or("no reason given").to_owned()),
        Some(other) => TargetHealth::Idle(other.as_str().to_owned()),
        None => TargetHealth::Idle("no state given".to_owned()),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroupAttributes.html>
async fn sticky(balancing: &Client, arn: &str) -> Result<bool, Failure> {
    let answer = balancing.describe_target_group_attributes().target_group_arn(arn).send().await;
    let answer =
        answer.map_err(|error| classify::read("elasticloadbalancing:DescribeTargetGroupAttributes", &error))?;
    Ok(answer.attributes().iter().any(|each| each.key() == Some(STICKINESS) && each.value() == Some("true")))
}
