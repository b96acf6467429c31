//! The release on a production target: its files, its trial, and the switch to it.

mod contents;
mod environment;
pub(super) mod kinds;
mod package;
mod room;
mod switch;
mod trial;
