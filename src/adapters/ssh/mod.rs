//! Hosts, through the system's ssh.

mod classify;
mod connection;
mod control;
mod hosts;
mod listing;
mod parse;
mod reach;
mod reader;
mod run;
mod service;
mod tail;
mod writer;

pub use hosts::Hosts;

pub(super) use connection::{HostConnection, OpenSession};
pub(super) use reader::reach_from;
