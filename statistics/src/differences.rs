//! The differences of all pairs of two samples, in order, without ever holding them: 100,000 against 100,000 would be
//! 10^10 numbers.
//!
//! Sorted rows and columns make the differences a monotone matrix, in which those up to a limit lie below a staircase
//! that is walked in one pass (Johnson and Mizoguchi, "Selecting the Kth element in X + Y and X1 + ... + Xm", SIAM
//! Journal on Computing 7 (1978)). The limit is moved by interpolation until few differences are left between the two
//! last ones; those are looked at one by one (Monahan, "Algorithm 616: fast computation of the Hodges-Lehmann location
//! estimator", ACM Transactions on Mathematical Software 10 (1984), for one sample).

use crate::sample::Sample;

/// All differences `left - right`.
pub struct Differences<'a> {
    left: &'a Sample,
    right: &'a Sample,
}

/// One walk along the staircase of a limit.
struct Walk {
    /// How many differences are not greater than the limit.
    count: u128,
    /// The greatest of them.
    below: f64,
    /// The smallest of the others.
    above: f64,
}

/// What is known about the difference looked for: it is not smaller than `low`, nor greater than `high`.
struct Bracket {
    low: f64,
    /// How many differences are smaller than `low`.
    before: u128,
    high: f64,
    /// How many differences are not greater than `high`.
    up_to: u128,
}

/// A bracket that does not shrink to this part of itself is cut in the middle next.
const WORTHWHILE: u128 = 2;

impl<'a> Differences<'a> {
    /// The differences `left - right`.
    pub fn of(left: &'a Sample, right: &'a Sample) -> Self {
        Self { left, right }
    }

    /// How many there are.
    pub fn count(&self) -> u128 {
        u128::from(self.left.count()) * u128::from(self.right.count())
    }

    /// The difference at a position in ascending order, counted from 0; NaN when one of the samples is empty.
    pub fn at(&self, position: u128) -> f64 {
        let ends = |sample: &Sample| Some((*sample.values().first()?, *sample.values().last()?));
        let (Some((least, most)), Some((first, last))) = (ends(self.left), ends(self.right)) else {
            return f64::NAN;
        };
        let position = position.min(self.count() - 1);
        let mut bracket = Bracket { low: least - last, before: 0, high: most - first, up_to: self.count() };
        // Looking at so many one by one costs about as much as a walk.
        let few = ((self.left.values().len() + self.right.values().len()) as u128 / 4).max(1_024);
        let (low_guess, high_guess) = self.guesses(position);
        for limit in [low_guess, high_guess] {
            if limit > bracket.low && limit < bracket.high {
                bracket.cut(&self.walk(limit), position);
            }
        }
        let mut is_slow = false;
        while bracket.low < bracket.high && bracket.up_to - bracket.before > few {
            let width = bracket.up_to - bracket.before;
            let limit =
                if is_slow { bracket.low + (bracket.high - bracket.low) / 2.0 } else { bracket.aim(position, few / 3) };
            // `low` itself is always a legal limit: its walk says which difference comes next.
            bracket.cut(&self.walk(limit.clamp(bracket.low, bracket.high.next_down())), position);
            is_slow = !is_slow && (bracket.up_to - bracket.before) * WORTHWHILE > width;
        }
        if bracket.low >= bracket.high { bracket.high } else { self.pick(&bracket, position) }
    }

    /// The difference at a position, and the one after it.
    pub fn pair_at(&self, position: u128) -> (f64, f64) {
        let value = self.at(position);
        let walk = self.walk(value);
        (value, if walk.count > position + 1 { value } else { walk.above })
    }

    /// Two differences around the position's, from some dozens of evenly spread observations of each sample.
    fn guesses(&self, position: u128) -> (f64, f64) {
        const SPREAD: u64 = 64;
        /// How far a position among the spread ones may be off.
        const MARGIN: usize = 96;
        let thin = |sample: &Sample| -> Vec<f64> {
            let count = sample.count();
            let ranks = (0..SPREAD).map(|step| (count * (2 * step + 1)).div_ceil(2 * SPREAD).max(1));
            ranks.filter_map(|rank| sample.at_rank(rank)).collect()
        };
        let (left, right) = (thin(self.left), thin(self.right));
        let mut differences: Vec<f64> = left.iter().flat_map(|l| right.iter().map(move |r| l - r)).collect();
        differences.sort_unstable_by(f64::total_cmp);
        let share = position as f64 / self.count() as f64;
        let middle = (differences.len() as f64 * share) as usize;
        let at = |position: usize| differences.get(position).or(differences.last()).copied().unwrap_or(f64::NAN);
        (at(middle.saturating_sub(MARGIN)), at(middle + MARGIN))
    }

    fn walk(&self, limit: f64) -> Walk {
        let (left, right) = (self.left.values(), self.right.values());
        let total = self.right.count();
        let counted = self.right.up_to();
        let mut walk = Walk { count: 0, below: f64::NEG_INFINITY, above: f64::INFINITY };
        // `right[step..]` are those whose difference to the current left value is within the limit.
        let mut step = 0;
        let mut skipped = 0;
        for (at, value) in left.iter().enumerate() {
            while step < right.len() && value - right[step] > limit {
                skipped = counted[step];
                step += 1;
            }
            if step < right.len() {
                walk.count += u128::from(self.left.count_at(at)) * u128::from(total - skipped);
                walk.below = walk.below.max(value - right[step]);
            }
            if step > 0 {
                walk.above = walk.above.min(value - right[step - 1]);
            }
        }
        walk
    }

    /// Looks at every difference within the bracket.
    fn pick(&self, bracket: &Bracket, position: u128) -> f64 {
        let (left, right) = (self.left.values(), self.right.values());
        let mut within: Vec<(f64, u128)> = Vec::new();
        let mut from = 0;
        for (at, value) in left.iter().enumerate() {
            while from < right.len() && value - right[from] > bracket.high {
                from += 1;
            }
            let weight = u128::from(self.left.count_at(at));
            for (offset, other) in right[from..].iter().enumerate() {
                let difference = value - other;
                if difference < bracket.low {
                    break;
                }
                within.push((difference, weight * u128::from(self.right.count_at(from + offset))));
            }
        }
        within.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut so_far = bracket.before;
        let found = within.iter().find(|(_, weight)| {
            so_far += weight;
            so_far > position
        });
        found.map_or(bracket.high, |(difference, _)| *difference)
    }
}

impl Bracket {
    /// Takes in what a walk along a limit within the bracket found.
    fn cut(&mut self, walk: &Walk, position: u128) {
        if walk.count > position {
            self.high = walk.below;
            self.up_to = walk.count;
        } else {
            self.low = walk.above;
            self.before = walk.count;
        }
    }

    /// Where the position would be if the differences were spread evenly, or rather `margin` positions beyond it on
    /// the side where more is left: there the bracket is cut.
    fn aim(&self, position: u128, margin: u128) -> f64 {
        let (under, over) = (position - self.before, self.up_to - position);
        let aim = if under > over { under - margin.min(under) } else { (under + margin).min(under + over) };
        let share = aim as f64 / (under + over) as f64;
        self.low + (self.high - self.low) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(left: &[f64], right: &[f64]) -> Vec<f64> {
        let mut all: Vec<f64> = left.iter().flat_map(|l| right.iter().map(move |r| l - r)).collect();
        all.sort_unstable_by(f64::total_cmp);
        all
    }

    fn agree(left: Vec<f64>, right: Vec<f64>) {
        let expected = all(&left, &right);
        let (left, right) = (Sample::of(left).unwrap(), Sample::of(right).unwrap());
        let differences = Differences::of(&left, &right);
        for step in 0..=10 {
            let at = (expected.len() - 1) * step / 10;
            let next = expected.get(at + 1).copied();
            let (found, after) = differences.pair_at(at as u128);
            assert_eq!(found, expected[at], "position {at} of {}", expected.len());
            assert_eq!(after.is_finite().then_some(after), next, "after position {at} of {}", expected.len());
        }
    }

    #[test]
    fn is_what_sorting_all_of_them_gives() {
        let mut random = fastrand::Rng::with_seed(7);
        for round in 0..24 {
            let size = |random: &mut fastrand::Rng| random.usize(1..300);
            let (m, n) = (size(&mut random), size(&mut random));
            let mut draw = |count: usize| -> Vec<f64> {
                (0..count)
                    .map(|_| match round % 4 {
                        0 => random.f64(),
                        1 => f64::from(random.u8(0..9)),
                        2 => (random.f64() * 12.0).exp(),
                        _ => {
                            if random.bool() {
                                1e-9
                            } else {
                                1e9 * random.f64()
                            }
                        }
                    })
                    .collect()
            };
            agree(draw(m), draw(n));
        }
    }

    #[test]
    fn one_and_constant() {
        agree(vec![1.0], vec![3.5]);
        agree(vec![2.0; 500], vec![2.0; 300]);
        agree(vec![2.0; 500], vec![1.0; 300]);
    }
}
