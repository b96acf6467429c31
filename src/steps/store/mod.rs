//! The session store in AWS, and the proof of who can reach it.

mod cache_subnet_group;
mod connection_check;
mod ingress_rules;
mod key_space;
pub(super) mod kinds;
mod refused_source;
mod replication_group;
mod security_group;
