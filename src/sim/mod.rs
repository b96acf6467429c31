//! An in-memory world: AWS, hosts, the store and time, for tests and `migrate rehearse`. It is strict where AWS is:
//! a name cannot be made twice, a group in use cannot be deleted, and things take their (virtual) time.

mod cache;
mod clock;
mod cloud;
mod cloud_state;
mod faults;
mod load;
mod targets;
mod world;

pub use cache::CacheServer;
pub use cloud_state::{CloudState, Cluster, Timing};
pub use faults::{Fault, Fired};
pub use load::SimulatedApplication;
pub use targets::Host;
pub use world::{State, World, WriteRecord};
