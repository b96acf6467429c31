//! The files an operator writes: YAML -> located tree -> lint -> [`Plan`](crate::core::Plan).
//!
//! The grammar is the Rust types of [`crate::core::rollout`] and the settings of the catalog's kinds; the JSON Schema
//! generated from them is what files are checked against, so that every mistake has a line and a column.

mod check;
mod diagnostic;
mod embedded;
mod lint;
mod load;
mod phases;
mod redact;
mod rollout;
mod schema;
mod source;
mod suggest;
mod tree;

pub use check::unknown_schema_keywords;
pub use diagnostic::{Code, Diagnostic, Diagnostics, Position, Severity, Style, render_text};
pub use embedded::starter;
pub use load::{LoadOptions, Loaded, Sources, load, load_sources};
pub use phases::{InstalledFiles, PhaseFile, PhaseFiles};
pub use schema::{phase_schema, schema};
