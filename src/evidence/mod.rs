//! From numbers to judgements: percentiles, histograms, the rank test, shares, and the comparison of two. Pure.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "counts are far below 2^53, and equal observations are ties"
)]

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
