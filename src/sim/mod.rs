//! An in-memory world: AWS, hosts, the store and time, for tests. It is strict where AWS is: a name cannot be made twice, a
//! group in use cannot be deleted, and things take their (virtual) time.
//!
//! Each part owns its state and what happens to it, and knows neither locks nor ports. `world` puts the parts together and
//! implements the ports. `tests/architecture/rooms.rs` has the table of which part uses which.

mod application;
mod cache;
mod census;
mod clock;
mod cloud;
mod faults;
mod host;
mod paths;
mod world;

pub use application::{
    CutEdge, Damage, DamagedBy, SessionPlace, SimulatedApplication, SimulatedSessions, SimulatedTrial, StoreLoss,
};
pub use cache::CacheServer;
pub use cloud::{CloudState, Cluster, Timing};
pub use faults::{Fault, Fired};
pub use host::{Host, SimulatedBridge, SimulatedDirectory, SimulatedFile, SimulatedReleases, SimulatedWorkers};
pub use paths::PathCuts;
pub use world::{State, World, WriteRecord};
