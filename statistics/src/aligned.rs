//! Requests of different kinds, made comparable: each as a multiple of what its kind usually takes.
//!
//! Pooled as they are, most pairs are a page of 5 ms beside an upload of 500 ms, which say nothing about the sides: with
//! k kinds of request that far apart the interval of a ratio is about k times as wide. The ranks of aligned observations
//! (J. L. Hodges and E. L. Lehmann, "Rank methods for combination of independent experiments in analysis of variance",
//! Annals of Mathematical Statistics 33 (1962)) leave out what is between the kinds and keep what is between the sides.

use crate::sample::Sample;

/// Both sides of every kind of request, as multiples of the median of the first side. A kind that the first side has
/// no answer to, or that takes no time at all, is left out.
pub fn aligned<'a>(kinds: impl IntoIterator<Item = (&'a Sample, &'a Sample)>) -> (Sample, Sample) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (left, right) in kinds {
        let Some(unit) = left.quantile(0.5).filter(|unit| *unit > 0.0) else { continue };
        first.extend(multiples(left, unit));
        second.extend(multiples(right, unit));
    }
    // A multiple of a number by a positive one is a number.
    (Sample::counted(first).unwrap_or_default(), Sample::counted(second).unwrap_or_default())
}

fn multiples(sample: &Sample, unit: f64) -> impl Iterator<Item = (f64, u64)> + '_ {
    sample.values().iter().enumerate().map(move |(at, value)| (value / unit, sample.count_at(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shift::ratio;

    fn around(middle: f64, random: &mut fastrand::Rng) -> Sample {
        Sample::of((0..300).map(|_| middle * (0.9 + 0.2 * random.f64())).collect()).unwrap()
    }

    #[test]
    fn kinds_far_apart_do_not_hide_a_small_difference() {
        let mut random = fastrand::Rng::with_seed(3);
        let kinds: Vec<(Sample, Sample)> =
            [2.0, 40.0, 900.0].map(|middle| (around(middle, &mut random), around(middle * 1.15, &mut random))).into();
        let (first, second) = aligned(kinds.iter().map(|(left, right)| (left, right)));
        assert_eq!((first.count(), second.count()), (900, 900));
        let found = ratio(&first, &second, 0.95).unwrap();
        assert!(found.contains(1.15) && found.low > 1.13 && found.high < 1.17, "{found:?}");
        let pool = |side: fn(&(Sample, Sample)) -> &Sample| {
            Sample::of(kinds.iter().flat_map(|kind| side(kind).values().to_vec()).collect()).unwrap()
        };
        let pooled = ratio(&pool(|kind| &kind.0), &pool(|kind| &kind.1), 0.95).unwrap();
        let width = |interval: super::super::shift::Interval| interval.high - interval.low;
        assert!(width(pooled) > 2.0 * width(found), "{pooled:?} {found:?}");
    }

    #[test]
    fn a_kind_without_answers_is_left_out() {
        let some = Sample::of(vec![1.0, 2.0, 4.0]).unwrap();
        let (first, second) = aligned([(&Sample::default(), &some), (&some, &Sample::default())]);
        assert_eq!((first.values(), second.count()), (&[0.5, 1.0, 2.0][..], 0));
    }
}
