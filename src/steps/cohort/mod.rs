//! Synthetic users who are on a production target before it is changed, and must not notice the change: the same identity
//! and the same data, asked with the cookies they had.
//!
//! They are kept in a private file on the target itself, below the directory of releases, so that whoever has lost the
//! journal can still ask them. Asking only reads: what a visit makes the server renew (a cookie, the end of a session) is
//! known to that visit alone, and the next one comes with the cookies of the beginning again, as somebody does who opens
//! a second window. An application that gives a session another id at every visit cannot be asked twice; that shows when
//! the users are opened, because they are asked twice there.

mod file;
mod findings;
mod kept;
pub(super) mod kinds;
mod members;
mod opening;
mod replay;
mod script;
mod step;

pub use findings::Replayed;
pub use kept::{kept_on, replay, replay_on_trial, to_file};
pub use opening::open;
pub use step::is_planned;
