//! Hosts: what is on them, and what commands change.

mod bridge;
mod detached;
mod directories;
mod files;
mod process;
mod release_facts;
mod releases;
mod shell;
mod state;
mod switching;
mod workers;

pub use bridge::SimulatedBridge;
pub use directories::{SimulatedDirectory, SimulatedFile};
pub(super) use process::Process;
pub use releases::SimulatedReleases;
pub use state::Host;
pub(super) use state::Hosts;
pub use workers::SimulatedWorkers;
