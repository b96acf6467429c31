//! From numbers to judgements: percentiles, histograms, the rank test, shares, slopes, the comparison of two, leaks, limits
//! of a host and the number of workers. Pure.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "counts are far below 2^53, and equal observations are ties"
)]

mod aligned;
mod comparison;
mod differences;
mod growth;
mod histogram;
mod interleaving;
mod knee;
mod latency;
mod leak;
mod memory_trend;
mod needed;
mod normal;
mod percent;
mod proportion;
mod rank_test;
mod rounds;
mod sample;
mod saturation;
mod shift;
mod size;
mod soak;
mod theil_sen;

pub use aligned::aligned;
pub use comparison::{Arm, Comparison, Limits, Noise, compare};
pub use growth::Growth;
pub use histogram::{LatencyHistogram, NotAHistogram};
pub use interleaving::{Side, turns};
pub use knee::{Knee, KneeLimits, KneeStep, WorkerRun, knee};
pub use latency::{LatencySummary, percentile};
pub use leak::{LeakJudgement, LeakLimits, MemorySample, WorkerLife, judge_leak};
pub use memory_trend::{TrendLimits, judge_memory_trend};
pub use needed::Needed;
pub use proportion::{Proportion, difference};
pub use rank_test::{MOST_PAIRS_COUNTED, Method, RankTest, rank_test};
pub use rounds::over_rounds;
pub use sample::{NotANumber, Sample};
pub use saturation::{Ceiling, HostLoad, Saturation, SaturationLimits, saturation};
pub use shift::{Interval, ratio, shift};
pub use soak::{Unearned, hours, summary, time_left, unearned};
pub use theil_sen::{MOST_POINTS_PAIRED, Slope, theil_sen, theil_sen_in_time};
