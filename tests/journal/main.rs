//! The journal: what a crash, a cut, a flipped bit, a thief or a newer version do to it.

mod append;
mod chain;
mod child;
mod evidence;
mod formats;
mod lock;
mod prefixes;
#[path = "../support/mod.rs"]
mod support;
mod workshop;
