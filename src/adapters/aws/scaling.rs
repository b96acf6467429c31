//! EC2 Auto Scaling, read.

use async_trait::async_trait;

use super::{AwsCloud, classify};
use crate::core::Failure;
use crate::ports::{ScalingGroupFacts, ScalingRead};

#[async_trait]
impl ScalingRead for AwsCloud {
    /// An auto scaling group by name.
    /// <https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html>
    async fn scaling_group(&self, name: &str) -> Result<Option<ScalingGroupFacts>, Failure> {
        let answer = self.scaling.describe_auto_scaling_groups().auto_scaling_group_names(name).send().await;
        let answer = answer.map_err(|error| classify::read("autoscaling:DescribeAutoScalingGroups", &error))?;
        // For a group that does not exist, AWS answers with an empty list.
        let group = answer.auto_scaling_groups().iter().find(|group| group.auto_scaling_group_name() == Some(name));
        Ok(group.map(|group| {
            let suspended = group.suspended_processes().iter().filter_map(|process| process.process_name());
            ScalingGroupFacts { suspended: suspended.map(str::to_owned).collect() }
        }))
    }
}
