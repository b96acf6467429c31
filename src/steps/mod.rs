//! What a phase is made of: one file per kind of step, written against the ports only.

mod arn;
mod cache_connection_test;
mod cache_subnet_group;
mod caller_identity;
mod command;
mod contract;
mod cost_gate;
mod covering_groups;
mod ingress_rules;
mod measure;
pub mod names;
mod network_facts;
mod permissions;
pub mod policy;
pub mod prices;
mod protected;
mod protected_baseline;
mod protected_unchanged;
mod refused_source;
mod registry;
mod replication_group;
mod security_group;
pub mod tags;
mod target_inspection;
mod target_list;
mod waiting;

pub use contract::{
    Change, Condition, Diff, DiffAction, DiffLine, Observation, Observe, Presence, ReadContext, ReadPorts, Step,
    WriteContext, WritePorts,
};
pub use registry::{BuiltInKinds, Kind, build};
