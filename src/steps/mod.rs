//! What a phase is made of: one room per subject, one file per kind of step, written against the ports only.

pub mod account;
mod at_once;
mod cohort;
mod command;
mod command_soak;
mod contract;
mod copy;
pub mod facts;
mod measure;
mod production;
mod production_target;
mod registry;
mod release;
mod site;
mod soak;
mod store;
mod store_loss;
mod targets;
mod waiting;
mod watch;
mod workers;

pub use at_once::several_at_once;
pub use contract::{
    Change, Condition, Diff, DiffAction, DiffLine, Exercise, Observation, Observe, Presence, ReadContext, ReadPorts,
    Step, Undoable, Watch, Watched, WriteContext, WritePorts,
};
pub use registry::{BuiltInKinds, Kind, build};
pub use targets::named::host as host_of;
