//! The load generator against real sockets: what goes over the wire, what is counted, and when.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod counting;
mod server;
mod timing;
mod wire;
