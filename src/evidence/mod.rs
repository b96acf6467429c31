//! From numbers to judgements: percentiles, histograms, the rank test, shares, and the comparison of two. Pure.

mod comparison;
mod differences;
mod histogram;
mod interleaving;
mod latency;
mod needed;
mod normal;
mod proportion;
mod rank_test;
mod sample;
mod shift;

pub use comparison::{Arm, Comparison, Limits, Noise, Reason, compare};
pub use histogram::{LatencyHistogram, NotAHistogram};
pub use interleaving::{Side, turns};
pub use latency::{LatencySummary, percentile};
pub use needed::Needed;
pub use proportion::{Proportion, difference};
pub use rank_test::{MOST_PAIRS_COUNTED, Method, RankTest, rank_test};
pub use sample::{NotANumber, Sample};
pub use shift::{Interval, ratio, shift};
