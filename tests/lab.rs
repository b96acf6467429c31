//! The real binary against real servers: phase 1 forward and back in the lab, broken in every way we could think of.
//!
//! Needs `lab/lab setup`. Each test has a lab of its own, which ends with it.
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

#[path = "lab/bad_releases.rs"]
mod bad_releases;
#[path = "lab/fixture.rs"]
mod fixture;
#[path = "lab/killed.rs"]
mod killed;
#[path = "lab/main_job.rs"]
mod main_job;
#[path = "lab/operators.rs"]
mod operators;
#[path = "lab/people.rs"]
mod people;
#[path = "lab/phase_2.rs"]
mod phase_2;
#[path = "lab/phase_3.rs"]
mod phase_3;
#[path = "lab/phase_4.rs"]
mod phase_4;
#[path = "lab/trouble.rs"]
mod trouble;
#[path = "lab/turns.rs"]
mod turns;
#[path = "lab/unreachable_target.rs"]
mod unreachable_target;
