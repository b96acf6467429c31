//! The cloud of a rollout, with or without the AWS SDKs.

use std::sync::Arc;

use crate::core::rollout::Rollout;
use crate::ports::{CloudRead, CloudWrite, SecretSource};

/// The cloud to read, the cloud to write, and where secrets come from. Nothing is called yet: missing credentials show
/// at the first call, as a `Permanent` failure that says what to do.
#[cfg(feature = "aws")]
pub async fn cloud(rollout: &Rollout) -> (Arc<dyn CloudRead>, Arc<dyn CloudWrite>, Arc<dyn SecretSource>) {
    let (cloud, secrets) = super::aws::AwsCloud::open(rollout).await;
    let cloud = Arc::new(cloud);
    (cloud.clone(), cloud, Arc::new(secrets))
}

/// Stand-ins that fail with "built without the `aws` feature", and secrets from the environment.
#[cfg(not(feature = "aws"))]
pub async fn cloud(_: &Rollout) -> (Arc<dyn CloudRead>, Arc<dyn CloudWrite>, Arc<dyn SecretSource>) {
    (Arc::new(super::NoCloud), Arc::new(super::NoCloud), Arc::new(super::EnvironmentSecrets))
}
