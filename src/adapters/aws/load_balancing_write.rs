//! Elastic Load Balancing, written: a target leaves its target group, and comes back.

use async_trait::async_trait;
use aws_sdk_elasticloadbalancingv2::types::TargetDescription;

use super::{AwsCloud, classify};
use crate::core::{ApplyPermit, EitherPermit};
use crate::ports::{BalancingWrite, TargetPlace, WriteFailure};

#[async_trait]
impl BalancingWrite for AwsCloud {
    /// AWS answers with a success for a target that is not registered. `InvalidTarget` is not taken for one: it means an
    /// instance that is not there, or in another VPC.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html>
    async fn deregister_target(&self, _: &ApplyPermit, group: &str, place: &TargetPlace) -> Result<(), WriteFailure> {
        self.balancing
            .deregister_targets()
            .target_group_arn(group)
            .targets(description(place))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify::write("elasticloadbalancing:DeregisterTargets", &error))
    }

    /// AWS answers with a success for a target that is registered already; one that is draining stays.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html>
    async fn register_target(&self, _: EitherPermit<'_>, group: &str, place: &TargetPlace) -> Result<(), WriteFailure> {
        self.balancing
            .register_targets()
            .target_group_arn(group)
            .targets(description(place))
            .send()
            .await
            .map(drop)
            .map_err(|error| classify::write("elasticloadbalancing:RegisterTargets", &error))
    }
}

/// With the port: a target that was registered with one of its own is deregistered only with it.
fn description(place: &TargetPlace) -> TargetDescription {
    TargetDescription::builder().id(&place.id).port(i32::from(place.port)).build()
}
