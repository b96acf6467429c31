//! AWS: the account's resources, and how they change with time and calls.

mod balancing;
mod changes;
mod cluster;
mod questions;
mod state;

pub use cluster::{Cluster, Timing};
pub use state::CloudState;
