//! The pure core: what the reducer refuses, what `decide` answers, what opens a gate, what a value may be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod deciding;
mod entering;
mod every_event;
mod guarding;
mod observing;
mod permits;
mod producing;
mod random;
mod refusals;
mod rehearsing;
mod reopening;
mod run;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod values;
mod verdicts;
