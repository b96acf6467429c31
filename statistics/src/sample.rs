//! A sorted sample, with equal values counted once: what the rank statistics work on.

/// Observations in ascending order. Equal ones are kept as one value and a count, so a sample read back from a
/// histogram costs as much as it has distinct values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    values: Vec<f64>,
    /// How many observations are not greater than the value at the same position.
    up_to: Vec<u64>,
}

/// A sample holds something that is not a finite number, so it has no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sample holds a value that is not a finite number")]
pub struct NotANumber;

impl Sample {
    /// Sorts observations. The unit is the caller's.
    ///
    /// # Errors
    /// When one of them is infinite or not a number.
    pub fn of(mut observations: Vec<f64>) -> Result<Self, NotANumber> {
        if observations.iter().any(|value| !value.is_finite()) {
            return Err(NotANumber);
        }
        observations.sort_unstable_by(f64::total_cmp);
        Ok(Self::ascending(observations.into_iter().map(|value| (value, 1))))
    }

    /// Takes values with how often each was observed, in any order.
    ///
    /// # Errors
    /// When a value is infinite or not a number.
    pub fn counted(observed: impl IntoIterator<Item = (f64, u64)>) -> Result<Self, NotANumber> {
        let mut observed: Vec<(f64, u64)> = observed.into_iter().filter(|(_, count)| *count > 0).collect();
        if observed.iter().any(|(value, _)| !value.is_finite()) {
            return Err(NotANumber);
        }
        observed.sort_unstable_by(|left, right| left.0.total_cmp(&right.0));
        Ok(Self::ascending(observed))
    }

    fn ascending(observed: impl IntoIterator<Item = (f64, u64)>) -> Self {
        let observed = observed.into_iter();
        let mut sample = Self { values: Vec::with_capacity(observed.size_hint().0), up_to: Vec::new() };
        sample.up_to.reserve(observed.size_hint().0);
        let mut total = 0;
        for (value, count) in observed {
            total += count;
            match (sample.values.last(), sample.up_to.last_mut()) {
                // Compared as numbers: -0.0 and 0.0 are a tie.
                (Some(last), Some(counted)) if *last == value => *counted = total,
                _ => {
                    sample.values.push(value);
                    sample.up_to.push(total);
                }
            }
        }
        sample
    }

    /// How many observations there are.
    pub fn count(&self) -> u64 {
        self.up_to.last().copied().unwrap_or(0)
    }

    /// Whether nothing was observed.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The distinct values, ascending.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// For each distinct value, how many observations are not greater.
    pub fn up_to(&self) -> &[u64] {
        &self.up_to
    }

    /// How often the distinct value at a position was observed.
    pub fn count_at(&self, position: usize) -> u64 {
        let before = position.checked_sub(1).and_then(|previous| self.up_to.get(previous)).copied().unwrap_or(0);
        self.up_to.get(position).copied().unwrap_or(before) - before
    }

    /// The observation at a rank, counted from 1; `None` outside of the sample.
    pub fn at_rank(&self, rank: u64) -> Option<f64> {
        if rank == 0 {
            return None;
        }
        self.values.get(self.up_to.partition_point(|counted| *counted < rank)).copied()
    }

    /// The nearest-rank quantile, `fraction` from 0 to 1. `None` for an empty sample.
    pub fn quantile(&self, fraction: f64) -> Option<f64> {
        let rank = (fraction.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0);
        self.at_rank(rank as u64)
    }

    /// The same sample on a logarithmic scale: a shift there is a ratio here. `None` when a value is not positive.
    pub fn logarithms(&self) -> Option<Self> {
        if self.values.first().is_some_and(|least| *least <= 0.0) {
            return None;
        }
        // Taking logarithms keeps the order, but may make two neighbours equal.
        let counted = self.values.iter().enumerate().map(|(at, value)| (value.ln(), self.count_at(at)));
        Some(Self::ascending(counted.collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_counted_once() {
        let sample = Sample::of(vec![3.0, 1.0, 3.0, 0.0, -0.0]).unwrap();
        assert_eq!(sample.values().len(), 3);
        assert_eq!(sample.up_to(), [2, 3, 5]);
        assert_eq!((sample.count_at(0), sample.count_at(1), sample.count_at(2)), (2, 1, 2));
        let ranks: Vec<_> = (0..=6).map(|rank| sample.at_rank(rank)).collect();
        assert_eq!(ranks, [None, Some(0.0), Some(0.0), Some(1.0), Some(3.0), Some(3.0), None]);
    }

    #[test]
    fn a_sample_read_back_from_counts_is_the_same() {
        let counted = Sample::counted([(2.0, 3), (1.0, 1), (5.0, 0)]).unwrap();
        assert_eq!(counted, Sample::of(vec![2.0, 2.0, 1.0, 2.0]).unwrap());
    }

    #[test]
    fn what_has_no_order_is_refused() {
        assert_eq!(Sample::of(vec![1.0, f64::NAN]), Err(NotANumber));
        assert_eq!(Sample::counted([(f64::INFINITY, 1)]), Err(NotANumber));
        assert_eq!(Sample::of(vec![0.0, 1.0]).unwrap().logarithms(), None);
    }
}
