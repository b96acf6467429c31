//! `phases/`: the procedure, to planned steps.

mod document;
mod facts;
mod files;
mod references;
mod steps;

pub use document::read_phase;
pub use facts::check_facts;
pub use files::{InstalledFiles, PhaseFile, PhaseFiles};
pub use steps::StepDocument;
