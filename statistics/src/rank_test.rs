//! The Mann-Whitney U test: does one of two samples tend to be greater?
//!
//! Sources: H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger
//! than the other", Annals of Mathematical Statistics 18 (1947); for ties and the continuity correction, Hollander,
//! Wolfe and Chicken, "Nonparametric Statistical Methods", 3rd edition, section 4.1. Checked against
//! `scipy.stats.mannwhitneyu` and `statrs` in `tests/evidence`.

use serde::{Deserialize, Serialize};

use crate::normal::upper_tail;
use crate::sample::Sample;

/// Below this many pairs, and without ties, probabilities are counted rather than approximated. At 20 against 20 the
/// approximation is good to three digits, and counting is still instant.
pub const MOST_PAIRS_COUNTED: u64 = 400;

/// How the probabilities came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By counting all arrangements: few observations, no ties.
    Exact,
    /// By the normal approximation, corrected for ties and for continuity.
    Normal,
}

/// What the test says about a second sample against a first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankTest {
    /// In how many of all pairs the second is greater; a tie counts half.
    pub wins: f64,
    /// The share of such pairs, 0 to 1. 0.5 is no difference.
    pub superiority: f64,
    /// The probability of a difference at least as large, in either direction, when there is none.
    pub p_two_sided: f64,
    /// The probability of the second being greater by at least as much, when there is no difference.
    pub p_greater: f64,
    /// The probability of the second being smaller by at least as much, when there is no difference.
    pub p_less: f64,
    /// How the probabilities came about.
    pub method: Method,
}

/// Tests whether `second` tends to be greater or smaller than `first`. `None` when one of them is empty.
pub fn rank_test(first: &Sample, second: &Sample) -> Option<RankTest> {
    let (m, n) = (first.count(), second.count());
    if m == 0 || n == 0 {
        return None;
    }
    let pooled = Pooled::of(first, second);
    let pairs = m as f64 * n as f64;
    let wins = pooled.twice_wins as f64 / 2.0;
    let is_counted = pooled.tie_sum == 0 && m.saturating_mul(n) <= MOST_PAIRS_COUNTED;
    let (p_greater, p_less, p_two_sided) = if is_counted {
        let distribution = Distribution::of(m, n);
        // Without ties the number of wins is whole.
        let wins = pooled.twice_wins / 2;
        let losses = u128::from(m * n) - wins;
        let greater = distribution.at_least(wins);
        let less = distribution.at_least(losses);
        (greater, less, (2.0 * greater.min(less)).min(1.0))
    } else {
        let deviation = standard_deviation(m, n, pooled.tie_sum);
        let tail = |wins: f64| {
            // All values equal: whatever was observed had to be.
            if deviation == 0.0 { 1.0 } else { upper_tail((wins - pairs / 2.0 - 0.5) / deviation) }
        };
        let (greater, less) = (tail(wins), tail(pairs - wins));
        (greater, less, (2.0 * greater.min(less)).min(1.0))
    };
    let method = if is_counted { Method::Exact } else { Method::Normal };
    Some(RankTest { wins, superiority: wins / pairs, p_two_sided, p_greater, p_less, method })
}

/// The standard deviation of the number of wins when there is no difference. `tie_sum` is the sum of `t^3 - t` over
/// the groups of equal values.
pub(crate) fn standard_deviation(m: u64, n: u64, tie_sum: u128) -> f64 {
    let (m, n) = (m as f64, n as f64);
    let all = m + n;
    let ties = if all > 1.0 { tie_sum as f64 / (all * (all - 1.0)) } else { 0.0 };
    (m * n / 12.0 * (all + 1.0 - ties)).max(0.0).sqrt()
}

/// What the two samples look like when they are put together.
struct Pooled {
    twice_wins: u128,
    tie_sum: u128,
}

impl Pooled {
    fn of(first: &Sample, second: &Sample) -> Self {
        let (left, right) = (first.values(), second.values());
        let (mut at_left, mut at_right) = (0, 0);
        let (mut before, mut twice_wins, mut tie_sum) = (0_u64, 0_u128, 0_u128);
        while at_left < left.len() || at_right < right.len() {
            let next = match (left.get(at_left), right.get(at_right)) {
                (Some(l), Some(r)) => l.min(*r),
                (Some(only), None) | (None, Some(only)) => *only,
                (None, None) => break,
            };
            let take = |sample: &Sample, at: &mut usize| match sample.values().get(*at) {
                Some(value) if *value == next => {
                    *at += 1;
                    sample.count_at(*at - 1)
                }
                _ => 0,
            };
            let firsts = take(first, &mut at_left);
            let seconds = take(second, &mut at_right);
            twice_wins += u128::from(seconds) * u128::from(2 * before + firsts);
            before += firsts;
            let tied = u128::from(firsts + seconds);
            tie_sum += tied * tied * tied - tied;
        }
        Self { twice_wins, tie_sum }
    }
}

/// The distribution of the number of wins over all arrangements of `m` and `n` observations without ties.
pub(crate) struct Distribution {
    /// How many arrangements have this many wins.
    arrangements: Vec<i128>,
}

impl Distribution {
    /// Counts them, for at most [`MOST_PAIRS_COUNTED`] pairs.
    ///
    /// The generating function is the Gaussian binomial: the product over `i` in `1..=m` of
    /// `(1 - q^(n + i)) / (1 - q^i)`, which is multiplied out term by term.
    pub(crate) fn of(m: u64, n: u64) -> Self {
        let length = usize::try_from(m.saturating_mul(n)).unwrap_or(0) + 1;
        let (few, many) = (m.min(n), m.max(n));
        let mut arrangements = vec![0_i128; length];
        if let Some(none) = arrangements.first_mut() {
            *none = 1;
        }
        for factor in 1..=few {
            let times = usize::try_from(many + factor).unwrap_or(length);
            for at in (times..length).rev() {
                arrangements[at] -= arrangements[at - times];
            }
            let by = usize::try_from(factor).unwrap_or(length);
            for at in by..length {
                arrangements[at] += arrangements[at - by];
            }
        }
        Self { arrangements }
    }

    /// The probability of at least so many wins.
    fn at_least(&self, wins: u128) -> f64 {
        let from = usize::try_from(wins).unwrap_or(usize::MAX).min(self.arrangements.len());
        self.share(&self.arrangements[from..])
    }

    /// How many numbers of wins, from 0 on, are together not more probable than `probability`.
    pub(crate) fn ranks_within(&self, probability: f64) -> u64 {
        let mut so_far = 0;
        let within = self.arrangements.iter().take_while(|arrangements| {
            so_far += **arrangements;
            self.share(&[so_far]) <= probability
        });
        within.count() as u64
    }

    fn share(&self, part: &[i128]) -> f64 {
        let whole: i128 = self.arrangements.iter().sum();
        part.iter().sum::<i128>() as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_arrangements_are_counted() {
        // Table J of Hollander and Wolfe for 3 against 4: one arrangement each with 0 and 1 wins, then 2, 3, 4, 4, 5.
        let distribution = Distribution::of(3, 4);
        assert_eq!(distribution.arrangements, [1, 1, 2, 3, 4, 4, 5, 4, 4, 3, 2, 1, 1]);
        assert_eq!(Distribution::of(20, 20).arrangements.iter().sum::<i128>(), 137_846_528_820);
        assert!(Distribution::of(20, 20).arrangements.iter().all(|count| *count > 0));
        assert_eq!(Distribution::of(1, 400).arrangements, vec![1; 401]);
    }
}
