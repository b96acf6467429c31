//! AWS, through its SDKs.

mod classify;
mod cloud;
mod config;
mod description;
mod elasticache;
mod elasticache_write;
mod enumerate;
mod identity;
mod load_balancing;
mod load_balancing_write;
mod network;
mod network_write;
mod scaling;
mod secrets;

pub use cloud::AwsCloud;
pub use secrets::AwsSecrets;
