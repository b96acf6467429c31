//! The step kinds of this room.

use super::cache_subnet_group::CacheSubnetGroup;
use super::connection_check::CacheConnectionTest;
use super::ingress_rules::IngressRules;
use super::key_space::SessionKeySpace;
use super::refused_source::RefusedSource;
use super::replication_group::ReplicationGroup;
use super::security_group::SecurityGroup;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![
        built::<CacheSubnetGroup>(),
        built::<SecurityGroup>(),
        built::<IngressRules>(),
        built::<ReplicationGroup>(),
        built::<CacheConnectionTest>(),
        built::<RefusedSource>(),
        built::<SessionKeySpace>(),
    ]
}
