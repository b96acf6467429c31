//! How what happens is shown. Consumes events and progress only; decides nothing.

mod github;
mod junit;
mod line;
mod live;
mod sentence;
mod words;

pub use github::{Annotation, Level, Place};
pub use junit::{JunitCase, junit};
pub use line::LineReport;
pub use live::LiveReport;
pub use words::{describe, human_duration, mark, utc};
