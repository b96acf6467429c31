//! The world: its parts put together, and the ports to them. Nothing below knows it.

mod bridge;
mod browsers;
mod calls;
mod census;
mod cloud;
mod detached;
mod files;
mod hosts;
mod load;
mod monitor;
mod paths;
mod releases;
mod secrets;
mod state;
mod stores;

pub use calls::World;
pub use state::{State, WriteRecord};
