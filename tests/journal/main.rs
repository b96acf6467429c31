//! The journal: what a crash, a cut, a flipped bit, a thief or a newer version do to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    reason = "a test may panic, wait and start processes"
)]

mod append;
mod chain;
mod child;
mod evidence;
mod formats;
mod lock;
mod prefixes;
mod recorded;
#[path = "../support/mod.rs"]
mod support;
mod workshop;
