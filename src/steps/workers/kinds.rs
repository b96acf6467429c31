//! The step kinds of this room.

use super::cross_worker_state::CrossWorkerState;
use super::leak_check::MemoryLeakTest;
use super::ramp::WorkerRamp;
use super::recommendation::WorkerRecommendation;
use crate::steps::registry::{Row, built};

/// The rows of the registry.
pub fn rows() -> Vec<Row> {
    vec![built::<WorkerRamp>(), built::<CrossWorkerState>(), built::<MemoryLeakTest>(), built::<WorkerRecommendation>()]
}
