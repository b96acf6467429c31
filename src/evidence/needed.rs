//! How much more would be enough for an answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use statistics::Interval;

/// Nobody waits for more than this many times what there is.
const FUTILE: f64 = 1_000.0;

/// More requests, on each side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Needed {
    /// How many. `None` when no reasonable number would do: the truth is at the limit itself, or too much is noise.
    pub requests: Option<u64>,
    /// How many minutes they take, when the rate is known.
    pub minutes: Option<u64>,
}

impl Needed {
    /// What satisfies all of several needs. `None` when there is no need.
    pub(super) fn most(needs: impl IntoIterator<Item = Option<u64>>, per_minute: Option<f64>) -> Option<Self> {
        let mut needs = needs.into_iter().peekable();
        needs.peek()?;
        let requests = needs.try_fold(0, |most, need| need.map(|need| most.max(need)));
        let minutes = requests.zip(per_minute.filter(|rate| *rate > 0.0));
        let minutes = minutes.map(|(requests, rate)| ((requests as f64 / rate).ceil() as u64).max(1));
        Some(Self { requests, minutes })
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.requests, self.minutes) {
            (Some(requests), Some(minutes)) => {
                write!(out, "about {requests} more requests on each side are needed ({minutes} min)")
            }
            (Some(requests), None) => write!(out, "about {requests} more requests on each side are needed"),
            (None, _) => out.write_str("more requests alone will not settle it"),
        }
    }
}

/// How many more observations than `count` an interval of a ratio needs to get clear of a limit. The interval, noise
/// included, is taken to shrink with the square root of the observations, and a tenth is kept in reserve.
pub(super) fn for_interval(count: u64, estimate: f64, sure: Interval, limit: f64) -> Option<u64> {
    let distance = (estimate.ln() - limit.ln()).abs() * 0.9;
    let reach = if estimate > limit { estimate.ln() - sure.low.ln() } else { sure.high.ln() - estimate.ln() };
    let times = (reach / distance).powi(2);
    let is_reasonable = times.is_finite() && times <= FUTILE;
    is_reasonable.then(|| (count as f64 * (times - 1.0)).ceil().max(1.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_times_as_many_halve_an_interval() {
        let around = |reach: f64| Interval { low: (-reach).exp(), estimate: 1.0, high: reach.exp() };
        let limit = 0.1_f64.exp();
        assert_eq!(for_interval(100, 1.0, around(0.18), limit), Some(300));
        assert_eq!(for_interval(100, limit, around(0.18), limit), None);
    }

    #[test]
    fn the_largest_need_counts_and_one_without_an_end_has_none() {
        let rate = Some(60.0);
        assert_eq!(Needed::most([], rate), None);
        assert_eq!(Needed::most([Some(5), Some(90)], rate), Some(Needed { requests: Some(90), minutes: Some(2) }));
        assert_eq!(Needed::most([Some(5), None], rate), Some(Needed { requests: None, minutes: None }));
        assert_eq!(Needed::most([Some(5)], None).unwrap().to_string(), "about 5 more requests on each side are needed");
    }
}
