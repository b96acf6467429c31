//! The AWS account: the identity that works in it, its permissions, its network, its prices.

pub(super) mod arn;
pub mod caller_identity;
pub(super) mod cost_gate;
pub(super) mod covering_groups;
pub(super) mod kinds;
pub mod names;
pub(super) mod network_facts;
pub(super) mod permissions;
pub mod policy;
pub mod prices;
pub mod tags;
