//! The clients of all services. What is asked of each is in its own file.

use super::{AwsSecrets, config};
use crate::core::rollout::Rollout;

/// AWS in one region, with the caller's credentials. Nothing is called, and no credentials are looked for, before the
/// first method is.
#[derive(Debug, Clone)]
pub struct AwsCloud {
    pub(super) rollout: String,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) cache: aws_sdk_elasticache::Client,
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) balancing: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) scaling: aws_sdk_autoscaling::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl AwsCloud {
    /// AWS for a rollout, and its secrets.
    pub async fn open(rollout: &Rollout) -> (Self, AwsSecrets) {
        Self::open_with(rollout, |loader| loader).await
    }

    /// The same, with a configuration that was adjusted: another endpoint, other credentials.
    pub async fn open_with(
        rollout: &Rollout,
        adjust: impl FnOnce(aws_config::ConfigLoader) -> aws_config::ConfigLoader,
    ) -> (Self, AwsSecrets) {
        let config = config::load(&rollout.region, adjust).await;
        let cloud = Self {
            rollout: rollout.name.as_str().to_owned(),
            ec2: aws_sdk_ec2::Client::new(&config),
            cache: aws_sdk_elasticache::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            balancing: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            scaling: aws_sdk_autoscaling::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
        };
        (cloud, AwsSecrets::new(aws_sdk_secretsmanager::Client::new(&config)))
    }
}
