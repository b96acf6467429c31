//! The step kinds of this room.

use super::caller_identity::CallerIdentity;
use super::cost_gate::CostGate;
use super::network_facts::NetworkFacts;
use super::permissions::Permissions;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![built::<CallerIdentity>(), built::<NetworkFacts>(), built::<Permissions>(), built::<CostGate>()]
}
