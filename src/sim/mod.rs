//! An in-memory world: AWS, hosts, the store and time, for tests and `migrate rehearse`. It is strict where AWS is:
//! a name cannot be made twice, a group in use cannot be deleted, and things take their (virtual) time.

mod application;
mod balancing;
mod bridge;
mod browser;
mod cache;
mod cache_write;
mod census;
mod clock;
mod cloud;
mod cloud_state;
mod detached;
mod faults;
mod files;
mod load;
mod monitor;
mod path_cut;
mod release;
mod release_state;
mod store_loss;
mod targets;
mod trial;
mod world;

pub use application::{Damage, DamagedBy, SessionPlace, SimulatedSessions, SimulatedTrial};
pub use bridge::SimulatedBridge;
pub use cache::CacheServer;
pub use cloud_state::{CloudState, Cluster, Timing};
pub use faults::{Fault, Fired};
pub use files::{SimulatedDirectory, SimulatedFile};
pub use load::SimulatedApplication;
pub use monitor::SimulatedWorkers;
pub use path_cut::PathCuts;
pub use release_state::SimulatedReleases;
pub use store_loss::{CutEdge, StoreLoss};
pub use targets::Host;
pub use world::{State, World, WriteRecord};
