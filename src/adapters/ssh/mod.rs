//! Hosts, through the system's ssh.

mod bridge;
mod census;
mod classify;
mod connection;
mod control;
mod detached;
mod files;
mod hosts;
mod listing;
mod monitor;
mod open_connections;
mod parse;
mod path_cut;
mod programs;
mod reach;
mod reader;
mod release;
mod release_answers;
mod run;
mod service;
mod tail;
mod writer;

pub use hosts::Hosts;

pub(super) use connection::{HostConnection, OpenSession};
pub(super) use reader::reach_from;
