//! Applications: what they do with sessions, under load, on trial, and while their store is away.

mod answer;
mod browser;
mod load;
mod sessions;
mod site;
mod store_loss;
mod trial;

pub(super) use browser::{Visited, Visitor};
pub use load::SimulatedApplication;
pub use sessions::{Damage, DamagedBy, SessionPlace, SimulatedSessions, SimulatedTrial};
pub(super) use site::{application_at, serve_from_its_tree};
pub use store_loss::{CutEdge, StoreLoss};
