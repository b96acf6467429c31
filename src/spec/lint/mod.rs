//! What an operator would call a mistake although every value is legal by itself.

mod cache;
mod context;
mod every;
mod files;
mod journeys;
mod names;
mod places;
mod requests;
mod targets;
mod text;
mod times;

pub use self::cache::is_secret;
pub use self::every::lint;
pub use self::names::is_identifier;
