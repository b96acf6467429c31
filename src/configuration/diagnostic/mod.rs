//! What is wrong with the files, as data and as text.

mod code;
mod data;
pub(super) mod quote;
mod text;

pub use code::Code;
pub use data::{Diagnostic, Diagnostics, Position, Severity};
pub use text::{Style, render_text};
