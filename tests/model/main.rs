//! The shipped reducer and the shipped `decide`, checked exhaustively under crashes, faults and operators.
//!
//! The model's state holds a real `RunState`; everything around it (the engine's protocol in micro-steps, the world,
//! the operator) is small enough that every interleaving within the bounds of a scenario is visited. Each seeded bug
//! perturbs the protocol in one way, and its test asserts that the checker finds the property it breaks.
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
mod invariants;
mod operator;
mod position;
mod process;
mod rescue;
mod rig;
mod scenario;
mod seeded;
mod sound;
#[path = "../support/mod.rs"]
mod support;
mod watching;
mod world;
