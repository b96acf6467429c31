//! Load: simulated users who do what people do, and what they met with.

mod generator;
mod news;
mod plan;
mod result;

pub use generator::{LoadGenerator, LoadObserver, LoadSnapshot};
pub use news::LoadNews;
pub use plan::{AnsweredBy, LoadPlan, LoadTarget, Schedule};
pub use result::{ErrorKind, ErrorTally, LoadResult, RequestResult};
