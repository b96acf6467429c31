//! The adapters against real servers: sshd, redis-server, and an HTTP server that plays AWS. All on 127.0.0.1, started
//! by the test that needs them and ended with it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::format_collect,
    reason = "a test may panic, start processes and look at the clock"
)]

#[path = "adapters/support/mod.rs"]
mod support;

#[path = "adapters/aws.rs"]
#[cfg(feature = "aws")]
mod aws;
#[path = "adapters/aws_reads.rs"]
#[cfg(feature = "aws")]
mod aws_reads;
#[path = "adapters/bridge.rs"]
mod bridge;
#[path = "adapters/cache.rs"]
mod cache;
#[path = "adapters/census.rs"]
mod census;
#[path = "adapters/connection.rs"]
mod connection;
#[path = "adapters/copies.rs"]
mod copies;
#[path = "adapters/copy_site.rs"]
mod copy_site;
#[path = "adapters/detached.rs"]
mod detached;
#[path = "adapters/inspect.rs"]
mod inspect;
#[path = "adapters/installs.rs"]
mod installs;
#[path = "adapters/key_space.rs"]
mod key_space;
#[path = "adapters/load_balancing.rs"]
#[cfg(feature = "aws")]
mod load_balancing;
#[path = "adapters/monitor.rs"]
mod monitor;
#[path = "adapters/path_cut.rs"]
mod path_cut;
#[path = "adapters/release.rs"]
mod release;
#[path = "adapters/release_site.rs"]
mod release_site;
#[path = "adapters/scaling.rs"]
#[cfg(feature = "aws")]
mod scaling;
#[path = "adapters/scripts.rs"]
mod scripts;
#[path = "adapters/tree.rs"]
mod tree;
