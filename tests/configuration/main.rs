//! The files an operator writes: what is accepted, what is refused, and how it is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::format_push_string,
    clippy::format_collect,
    reason = "a test may panic and look at the clock"
)]

mod catalog;
mod directories;
mod documents;
mod expanding;
mod facts;
mod hostile;
mod printing;
mod random;
mod samples;
mod schemas;
mod support;
mod together;
