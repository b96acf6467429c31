//! The load generator against real sockets: what goes over the wire, what is counted, and when.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "a test may panic, wait and count"
)]

mod browser;
mod counting;
mod server;
mod timing;
mod wire;
