//! The hosts of the rollout as they are: how they are found, inspected, and compared with their baseline.

pub(super) mod auto_scaling;
pub(super) mod group_inspection;
pub(super) mod inspection;
pub(super) mod kinds;
pub(super) mod list;
pub(super) mod named;
pub(super) mod protected;
pub(super) mod site_differences;
