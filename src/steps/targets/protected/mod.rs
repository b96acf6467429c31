//! What must not change on a target, and the proof that it did not.

pub(in crate::steps) mod baseline;
pub(in crate::steps) mod comparison;
pub(in crate::steps) mod facts;
pub(in crate::steps) mod unchanged;
