//! `phases/`: the procedure, to planned steps.

mod document;
mod facts;
mod files;
mod references;
mod steps;
mod targets;

pub use document::read_phase;
pub use facts::check_facts;
pub use files::{InstalledFiles, PhaseFile, PhaseFiles};
pub use steps::StepDocument;
pub use targets::check_targets;
