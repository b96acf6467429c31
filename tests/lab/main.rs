//! The real binary against real servers: every phase in the lab, forward and back, and what has to stop it.
//!
//! Needs `lab/lab setup`. Each test is one scenario and has a lab of its own, which ends with the test. How many labs are up
//! at once is decided by the test groups in `.config/nextest.toml`, by the first word of a test's name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, start processes and look at the clock"
)]

mod fixture;
mod hosts;
mod pace;
mod phase_1;
mod phase_2;
mod phase_3;
mod phase_4;
mod said;
mod visitors;
