//! What an operator would call a mistake although every value is legal by itself.

mod cache;
mod cohort;
mod comparison;
mod context;
mod environment;
mod every;
mod files;
mod journeys;
mod names;
mod places;
mod production;
mod requests;
mod soak;
mod targets;
mod text;
mod times;
mod tuning;

pub use self::cache::is_secret;
pub use self::every::lint;
pub use self::names::is_identifier;
