//! The step kinds of this room.

use super::step::ProductionSoak;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![built::<ProductionSoak>()]
}
