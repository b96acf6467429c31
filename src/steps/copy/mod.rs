//! The side-by-side copy on staging, from its files to the rehearsal of its rollback.

mod application;
mod census;
mod configuration;
mod data_gate;
mod effective_settings;
mod environment;
pub(super) mod kinds;
mod process;
mod readback;
mod rehearsal;
mod right_store;
mod session_bridge;
mod side_by_side;
