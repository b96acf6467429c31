//! Load: simulated users who do what people do, and what they met with.

mod generator;
mod plan;
mod result;

pub use generator::{LoadGenerator, LoadObserver, LoadSnapshot};
pub use plan::{LoadPlan, LoadTarget, Schedule};
pub use result::{ErrorKind, ErrorTally, LoadResult, RequestResult};
