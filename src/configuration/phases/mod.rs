//! `phases/`: the procedure, to planned steps.

mod blocks;
mod document;
mod facts;
mod files;
mod guards;
mod references;
mod steps;
mod targets;

pub use blocks::expand;
pub use document::read_phase;
pub use facts::check_facts;
pub use files::{InstalledFiles, PhaseFile, PhaseFiles};
pub use guards::check_guards;
pub use steps::StepDocument;
pub use targets::check_targets;
