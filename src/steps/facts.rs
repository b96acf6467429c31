//! The names of the facts that one step learns and another one uses.

/// `store_loss_drill`: whether users kept their sessions while the store was out of reach.
pub const KEPT: &str = "bridge.kept_sessions";
/// `worker_recommendation`: how many workers the application should have.
pub const RECOMMENDED: &str = "workers.recommended";
