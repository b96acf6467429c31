//! The step kinds of this room.

use super::drill::StoreLossDrill;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![built::<StoreLossDrill>()]
}
