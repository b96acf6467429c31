//! A located tree against a JSON Schema: every mistake, with its place.
//!
//! The schema is the one generated from the Rust types, so there is one description of the grammar. This understands
//! the keywords those schemas use and no others; [`unknown_schema_keywords`] finds the rest, and a test holds it to
//! nothing.

mod branches;
mod collections;
mod keywords;
mod rule;
mod scalars;
mod walker;

pub use keywords::unknown_schema_keywords;
pub use walker::{Place, Walker};
