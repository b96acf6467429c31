//! The binary through its command line: whole outputs beside committed ones (`snapshots/`), exit codes, the JSON envelope.
//!
//! A changed output is written beside the committed one as `.snap.new`: `INSTA_UPDATE=always cargo test --test cli` accepts all
//! of them, and `git diff` shows what operators will read. With `CI` set nothing is written. Reads no network.
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

mod approvals;
mod aws;
mod envelope;
mod exit_codes;
mod files;
mod first;
mod help;
mod init;
mod junit;
mod locks;
mod newer;
mod nohup;
mod plan;
mod products;
mod protected;
mod recorded;
mod recorded_runs;
mod rollbacks;
mod scenes;
mod servers;
mod site;
mod usage;
