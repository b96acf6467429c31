//! The step kinds of this room.

use super::group_inspection::TargetGroupInspection;
use super::inspection::TargetInspection;
use super::protected::baseline::ProtectedBaseline;
use super::protected::unchanged::ProtectedUnchanged;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![
        built::<TargetInspection>(),
        built::<TargetGroupInspection>(),
        built::<ProtectedBaseline>(),
        built::<ProtectedUnchanged>(),
    ]
}
