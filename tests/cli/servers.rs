//! The servers of the adapters' tests that the command line's tests need, too.
#![allow(dead_code, reason = "each test crate uses its own part")]

#[path = "../support/descendants.rs"]
mod descendants;
#[path = "../adapters/support/process.rs"]
pub mod process;
#[path = "../adapters/support/sshd.rs"]
pub mod sshd;
