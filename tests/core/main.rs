//! The pure core: what the reducer refuses, what `decide` answers, what opens a gate, what a value may be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod deciding;
mod entering;
mod every_event;
mod permits;
mod random;
mod refusals;
mod reopening;
mod run;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod values;
mod verdicts;
