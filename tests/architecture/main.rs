//! Who may use whom, who may name what, how large a file may be, and how messages are worded: read from the sources
//! themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod adapters;
mod code;
mod dependencies;
mod edges;
mod rooms;
mod rules;
mod sample;
mod simulator;
mod wording;
