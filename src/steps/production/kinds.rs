//! The step kinds of this room.

use super::entry_gate::ProductionEntryGate;
use super::final_comparison::FinalComparison;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![built::<ProductionEntryGate>(), built::<FinalComparison>()]
}
