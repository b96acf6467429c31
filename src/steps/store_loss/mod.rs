//! The drill in which staging loses its path to the store.

mod drill;
pub(super) mod kinds;
mod verdict;
mod watch;
