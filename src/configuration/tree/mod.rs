//! A YAML file as a tree that remembers where everything was written.

mod node;
mod parse;
mod scalar;

pub use node::{Entry, Key, Node, Span, Value};
pub use parse::parse;
