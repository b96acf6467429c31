//! Who may use whom, who may name what, how large a file may be, and how messages are worded: read from the sources
//! themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may panic and start processes"
)]

mod adapters;
mod code;
mod dependencies;
mod edges;
#[path = "../../build/join.rs"]
mod join;
mod programs;
#[path = "../../build/python.rs"]
mod python;
mod rooms;
mod rules;
mod sample;
mod simulator;
mod wording;
