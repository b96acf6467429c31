//! The real world: AWS, the system's ssh, Redis, HTTP, the clock. The only place that names an SDK.
#![allow(clippy::disallowed_methods, reason = "wall clocks, waiting and processes are what adapters are for")]

#[cfg(feature = "aws")]
mod aws;
mod clock;
mod factory;
mod http;
mod local;
mod net;
#[cfg(not(feature = "aws"))]
mod no_cloud;
mod redis;
mod secrets;
mod ssh;

#[cfg(feature = "aws")]
pub use aws::{AwsCloud, AwsSecrets};
pub use clock::SystemClock;
pub use factory::cloud;
pub use http::{HttpBrowsers, HttpLoad};
pub use local::LocalFiles;
#[cfg(not(feature = "aws"))]
pub use no_cloud::NoCloud;
pub use redis::RedisConnector;
pub use secrets::EnvironmentSecrets;
pub use ssh::Hosts;
