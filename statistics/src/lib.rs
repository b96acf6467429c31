//! From samples to intervals: percentiles, histograms, the rank test, shares, shifts and slopes. Knows nothing of sessions,
//! hosts or verdicts: `migrate::evidence` judges with it. A package of its own so that it is optimised in every build.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "counts are far below 2^53, and equal observations are ties"
)]

mod aligned;
mod differences;
mod histogram;
mod latency;
mod normal;
mod proportion;
mod rank_test;
mod rounds;
mod sample;
mod shift;
mod theil_sen;

pub use aligned::aligned;
pub use histogram::{LatencyHistogram, NotAHistogram};
pub use latency::{LatencySummary, percentile};
pub use proportion::{Proportion, difference, needed_for_difference};
pub use rank_test::{MOST_PAIRS_COUNTED, Method, RankTest, rank_test};
pub use rounds::over_rounds;
pub use sample::{NotANumber, Sample};
pub use shift::{Interval, ratio, shift};
pub use theil_sen::{MOST_POINTS_PAIRED, Slope, theil_sen, theil_sen_in_time};
