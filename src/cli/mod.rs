//! The command line: one file a command.

mod answer;
mod approve;
mod args;
mod check;
mod completions;
mod discover;
mod drift;
mod init;
mod log;
mod man;
mod manual;
mod options;
mod permissions;
mod phase;
mod plan;
mod printer;
mod replan;
mod rollback;
mod run;
mod schema;
mod session;
mod signals;
mod status;
mod stuck;
mod unlock;
mod walk;
mod wiring;

pub use args::{Cli, command};
pub use run::main;
