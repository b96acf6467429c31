//! From numbers to judgements: percentiles, and later rank tests and slopes. Pure.

mod latency;

pub use latency::{LatencySummary, percentile};
