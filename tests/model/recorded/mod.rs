//! The shipped engine on the model's plans, recorded.

mod process;
mod site;
mod steps;

pub use site::{Cut, Site};
