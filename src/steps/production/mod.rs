//! What must hold around production before and while it is changed.

mod conditions;
mod entry_gate;
mod final_comparison;
pub(super) mod kinds;
