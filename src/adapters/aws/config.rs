//! How the SDKs are set up: the usual AWS configuration, and no retries of their own.

use std::time::Duration;

use aws_config::{
    AppName, BehaviorVersion, ConfigLoader, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig,
};

use crate::core::rollout;

/// How long one call may take, from name resolution to the last byte of the reply.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the TCP connection to AWS may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Credentials and endpoints as every AWS tool finds them (environment, profile, SSO, `AWS_ENDPOINT_URL`, container,
/// instance), the region from rollout.yaml, and retries off: the engine owns retrying, because only it knows whether a
/// write has to be probed first.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html>
///
/// `adjust` has the last word before anything is looked for.
pub(super) async fn load(region: &rollout::Region, adjust: impl FnOnce(ConfigLoader) -> ConfigLoader) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(OPERATION_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.as_str().to_owned()))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new("migrate") {
        loader = loader.app_name(name);
    }
    adjust(loader).load().await
}
