//! What a soak still has to earn. Time alone is not enough: an hour in which nobody came says nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::core::Looked;
use crate::core::rollout::Soak;

/// Something that a soak has not earned yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unearned {
    /// Observed time.
    Time {
        /// Seconds observed.
        observed: u64,
        /// Seconds wanted.
        wanted: u64,
    },
    /// Requests.
    Requests {
        /// Requests seen in windows that count.
        seen: u64,
        /// Requests wanted.
        wanted: u64,
    },
    /// Windows that count among those looked at.
    Coverage {
        /// Seconds that count.
        counted: u64,
        /// Seconds looked at.
        looked: u64,
        /// The share wanted, in percent.
        wanted: u32,
    },
    /// A busy hour.
    PeakHour {
        /// Requests in the busiest hour so far.
        seen: u64,
        /// Requests wanted in one.
        wanted: u64,
    },
}

impl fmt::Display for Unearned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { observed, wanted } => {
                write!(out, "{} of {} observed", hours(*observed), hours(*wanted))
            }
            Self::Requests { seen, wanted } => write!(out, "{seen} of {wanted} requests seen"),
            Self::Coverage { counted, looked, wanted } => {
                write!(
                    out,
                    "{} % of {} looked at counts, and {wanted} % has to",
                    percent(*counted, *looked),
                    hours(*looked)
                )
            }
            Self::PeakHour { seen, wanted } => {
                write!(out, "the busiest hour had {seen} requests, and one with {wanted} has to be in it")
            }
        }
    }
}

/// What is still missing; empty when the soak is earned. Whether its gates pass is another question.
///
/// Coverage is asked of the best stretch up to now that holds as much observed time as is wanted: after a long gap that
/// is what comes after it, so that no gap has to be outweighed for ever.
pub fn unearned(rules: &Soak, wanted: u64, windows: &[Looked]) -> Vec<Unearned> {
    let mut missing = Vec::new();
    let observed = observed(windows);
    if observed < wanted {
        missing.push(Unearned::Time { observed, wanted });
    }
    let (seen, requests) = (requests(windows), u64::from(rules.minimum_requests));
    if seen < requests {
        missing.push(Unearned::Requests { seen, wanted: requests });
    }
    let (counted, looked) = best_stretch(windows, wanted);
    if !covers(rules, counted, looked) {
        missing.push(Unearned::Coverage { counted, looked, wanted: rules.coverage });
    }
    let busiest = busiest_hour(windows);
    if let Some(busy) = rules.peak_hour_requests.map(u64::from).filter(|busy| busiest < *busy) {
        missing.push(Unearned::PeakHour { seen: busiest, wanted: busy });
    }
    missing
}

/// How much longer it takes, to a window or so, when all goes well: time, and what gaps have cost in coverage. Nobody
/// knows when users come, so it may take longer.
pub fn time_left(rules: &Soak, wanted: u64, windows: &[Looked]) -> Duration {
    // Good seconds from now on help every stretch; what begins now needs all of them.
    let (mut counted, mut looked, mut least) = (0_u64, 0_u64, wanted);
    for window in windows.iter().rev() {
        counted = counted.saturating_add(window.counted);
        looked = looked.saturating_add(window.length);
        if let Some(for_coverage) = needed_for_coverage(rules, counted, looked) {
            least = least.min(for_coverage.max(wanted.saturating_sub(counted)));
        }
    }
    Duration::from_secs(least)
}

/// The smallest `more` with which `counted + more` of `looked + more` seconds are covered. `None` when none does: every second
/// has to count, and one did not.
fn needed_for_coverage(rules: &Soak, counted: u64, looked: u64) -> Option<u64> {
    let coverage = u128::from(rules.coverage);
    let short = (u128::from(looked) * coverage).saturating_sub(u128::from(counted) * 100);
    match 100_u128.saturating_sub(coverage) {
        0 => (short == 0).then_some(0),
        gain => u64::try_from(short.div_ceil(gain)).ok(),
    }
}

/// What a soak that is over has seen.
pub fn summary(windows: &[Looked]) -> String {
    let observed = observed(windows);
    let looked = windows.iter().fold(0_u64, |sum, window| sum.saturating_add(window.length));
    format!(
        "observed for {} in {} windows, {} % of the time looked at; {} requests, {} in the busiest hour",
        hours(observed),
        windows.len(),
        percent(observed, looked),
        requests(windows),
        busiest_hour(windows)
    )
}

/// Seconds that count.
fn observed(windows: &[Looked]) -> u64 {
    windows.iter().fold(0, |sum, window| sum.saturating_add(window.counted))
}

/// The windows that count: a window that was not observed has shown no requests either.
fn counting(windows: &[Looked]) -> impl Iterator<Item = &Looked> {
    windows.iter().filter(|window| window.counted > 0)
}

fn requests(windows: &[Looked]) -> u64 {
    counting(windows).fold(0, |sum, window| sum.saturating_add(window.requests))
}

/// Requests in the busiest hour of the clock. A window belongs to the hour in which it began.
fn busiest_hour(windows: &[Looked]) -> u64 {
    let hour = |window: &Looked| window.began.div_euclid(3_600);
    let mut hours: BTreeMap<i64, u64> = BTreeMap::new();
    // A clock that was set back visits an hour twice.
    for same_hour in windows.chunk_by(|one, next| hour(one) == hour(next)) {
        let sum = hours.entry(hour(&same_hour[0])).or_default();
        *sum = sum.saturating_add(requests(same_hour));
    }
    hours.into_values().max().unwrap_or(0)
}

/// Of all stretches up to now that hold `wanted` observed seconds, the one of which the largest share counts; everything,
/// when none does. What counts of it, and how long it is.
fn best_stretch(windows: &[Looked], wanted: u64) -> (u64, u64) {
    let (mut counted, mut looked) = (0_u64, 0_u64);
    let mut best = (counted >= wanted).then_some((counted, looked));
    for window in windows.iter().rev() {
        counted = counted.saturating_add(window.counted);
        looked = looked.saturating_add(window.length);
        let is_better =
            |(part, whole): (u64, u64)| u128::from(counted) * u128::from(whole) > u128::from(part) * u128::from(looked);
        if counted >= wanted && best.is_none_or(is_better) {
            best = Some((counted, looked));
        }
    }
    best.unwrap_or((counted, looked))
}

fn covers(rules: &Soak, counted: u64, looked: u64) -> bool {
    u128::from(counted) * 100 >= u128::from(looked) * u128::from(rules.coverage)
}

/// The share in whole percent, rounded down: 89.9 % is not yet 90 %.
fn percent(part: u64, whole: u64) -> u128 {
    (u128::from(part) * 100).checked_div(u128::from(whole)).unwrap_or(0)
}

/// `24 h`, `23 h 59 min`, `12 min`, `40 s`.
pub fn hours(seconds: u64) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
