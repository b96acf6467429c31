//! The soak of a production target.

mod bridge;
mod cohort;
mod comparison;
mod kept;
pub(super) mod kinds;
mod memory;
mod probe;
mod service;
mod step;
mod store;
mod workers;
