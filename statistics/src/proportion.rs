//! Shares of all requests, such as the errors among them, with what is known and not known about them.

use serde::{Deserialize, Serialize};

use crate::normal::two_sided_quantile;
use crate::shift::Interval;

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proportion {
    /// How many.
    pub hits: u64,
    /// Of how many.
    pub of: u64,
}

impl Proportion {
    /// `hits` of `of`. More hits than there can be are taken for all.
    pub fn new(hits: u64, of: u64) -> Self {
        Self { hits: hits.min(of), of }
    }

    /// The share, 0 to 1; `None` of none.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| self.hits as f64 / self.of as f64)
    }

    /// Wilson's score interval: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    /// Journal of the American Statistical Association 22 (1927). Unlike the textbook's interval it is right for no
    /// hits at all and for few requests. `None` of none.
    pub fn interval(&self, confidence: f64) -> Option<Interval> {
        let share = self.share()?;
        Some(wilson(share, self.of as f64, two_sided_quantile(confidence)))
    }

    /// How many requests, at the same share, would settle whether it is above or below `limit`. `None` when no number
    /// below 10^9 would: the share is the limit.
    pub fn needed_against(&self, limit: f64, confidence: f64) -> Option<u64> {
        let share = self.share().unwrap_or(0.0);
        let z = two_sided_quantile(confidence);
        smallest(|of| {
            let interval = wilson(share, of as f64, z);
            interval.high <= limit || interval.low > limit
        })
    }
}

/// The difference `second - first` of two shares, by Newcombe's hybrid of two Wilson intervals: R. G. Newcombe,
/// "Interval estimation for the difference between independent proportions", Statistics in Medicine 17 (1998), method
/// 10. `None` when either is of none.
pub fn difference(first: Proportion, second: Proportion, confidence: f64) -> Option<Interval> {
    let (a, b) = (first.share()?, second.share()?);
    let z = two_sided_quantile(confidence);
    Some(newcombe(wilson(a, first.of as f64, z), wilson(b, second.of as f64, z)))
}

/// How many requests on either side, at the same shares, would settle whether `second - first` is above or below
/// `limit`. `None` when no number below 10^9 would.
pub fn needed_for_difference(first: Proportion, second: Proportion, limit: f64, confidence: f64) -> Option<u64> {
    let (a, b) = (first.share().unwrap_or(0.0), second.share().unwrap_or(0.0));
    let z = two_sided_quantile(confidence);
    smallest(|of| {
        let interval = newcombe(wilson(a, of as f64, z), wilson(b, of as f64, z));
        interval.high <= limit || interval.low > limit
    })
}

fn newcombe(first: Interval, second: Interval) -> Interval {
    let estimate = second.estimate - first.estimate;
    let down = (second.estimate - second.low).hypot(first.high - first.estimate);
    let up = (second.high - second.estimate).hypot(first.estimate - first.low);
    Interval { low: estimate - down, estimate, high: estimate + up }
}

fn wilson(share: f64, of: f64, z: f64) -> Interval {
    let square = z * z;
    let scale = 1.0 + square / of;
    let middle = (share + square / (2.0 * of)) / scale;
    let reach = z / scale * (share * (1.0 - share) / of + square / (4.0 * of * of)).sqrt();
    // Rounding must not make an interval that leaves out its own estimate.
    Interval { low: (middle - reach).clamp(0.0, share), estimate: share, high: (middle + reach).clamp(share, 1.0) }
}

/// The smallest number for which something that stays true becomes true.
fn smallest(is_enough: impl Fn(u64) -> bool) -> Option<u64> {
    const MOST: u64 = 1_000_000_000;
    let (mut low, mut high) = (1, MOST);
    if !is_enough(high) {
        return None;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if is_enough(middle) { high = middle } else { low = middle + 1 }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 1e-4
    }

    #[test]
    fn wilson_is_newcombes_table() {
        // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17
        // (1998), table I, method 3.
        for (hits, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let found = Proportion::new(hits, of).interval(0.95).unwrap();
            assert!(close(found.low, low) && close(found.high, high), "{hits} of {of}: {found:?}");
        }
        assert_eq!(Proportion::new(0, 0).interval(0.95), None);
    }

    #[test]
    fn the_difference_is_newcombes_table() {
        // The second paper's table II, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/20.
        for (second, first, low, high) in
            [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)]
        {
            let (first, second) = (Proportion::new(first.0, first.1), Proportion::new(second.0, second.1));
            let found = difference(first, second, 0.95).unwrap();
            assert!(close(found.low, low) && close(found.high, high), "{found:?}");
        }
    }

    #[test]
    fn enough_is_enough_and_one_less_is_not() {
        let clean = Proportion::new(0, 50);
        let needed = clean.needed_against(0.01, 0.95).unwrap();
        assert!(Proportion::new(0, needed).interval(0.95).unwrap().high <= 0.01);
        assert!(Proportion::new(0, needed - 1).interval(0.95).unwrap().high > 0.01);
        assert_eq!(Proportion::new(1, 100).needed_against(0.01, 0.95), None);
        let needed = needed_for_difference(clean, clean, 0.005, 0.95).unwrap();
        let enough = Proportion::new(0, needed);
        assert!(difference(enough, enough, 0.95).unwrap().high <= 0.005);
    }
}
