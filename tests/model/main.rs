//! The shipped reducer and the shipped `decide`, checked exhaustively under crashes, faults and operators.
//!
//! The model's state holds a real `RunState`; everything around it (the engine's protocol in micro-steps, the world,
//! the operator) is small enough that every interleaving within the bounds of a scenario is visited. Each seeded bug
//! perturbs the protocol in one way, and its test asserts that the checker finds the property it breaks.
//!
//! The protocol here and the engine's are tied: what the shipped engine does on the same plans, under the same faults and
//! deaths, is recorded (`recorded/`), and the model has to follow it (`follower.rs`, `tied.rs`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stderr,
    reason = "a test may panic, and says how long it took"
)]

mod bug;
mod follower;
mod invariants;
mod operator;
mod position;
mod process;
mod recorded;
mod rescue;
mod rig;
mod scenario;
mod seeded;
mod sound;
#[path = "../support/mod.rs"]
mod support;
mod tied;
mod trace;
mod watching;
mod world;
mod writing;
