//! From intervals to judgements: the comparison of two, leaks, limits of a host, the number of workers, what a soak has
//! earned. The numbers come from the package `statistics`. Pure.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "counts are far below 2^53, and equal observations are ties"
)]

mod comparison;
mod growth;
mod interleaving;
mod knee;
mod leak;
mod memory_trend;
mod needed;
mod percent;
mod saturation;
mod size;
mod soak;

pub use comparison::{Arm, Comparison, Limits, Noise, compare};
pub use growth::Growth;
pub use interleaving::{Side, turns};
pub use knee::{Knee, KneeLimits, KneeStep, WorkerRun, knee};
pub use leak::{LeakJudgement, LeakLimits, MemorySample, WorkerLife, judge_leak};
pub use memory_trend::{TrendLimits, judge_memory_trend};
pub use needed::Needed;
pub use saturation::{Ceiling, HostLoad, Saturation, SaturationLimits, saturation};
pub use soak::{Unearned, hours, summary, time_left, unearned};

pub use statistics::{
    Interval, LatencyHistogram, LatencySummary, MOST_PAIRS_COUNTED, MOST_POINTS_PAIRED, Method, NotAHistogram,
    NotANumber, Proportion, RankTest, Sample, Slope, aligned, difference, over_rounds, percentile, rank_test, ratio,
    shift, theil_sen, theil_sen_in_time,
};
