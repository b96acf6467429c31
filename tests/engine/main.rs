//! The engine in the simulator: cut at every line of the journal, before and after every write, and stolen from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod aborting;
mod at_lines;
mod at_writes;
mod faults;
mod production_soaking;
mod production_stage;
mod rehearsing;
mod rolling;
mod soak_stage;
mod soaking;
mod stage;
mod stolen;
#[path = "../support/mod.rs"]
mod support;
mod whole;
