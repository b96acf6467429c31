//! Laws that hold for every sample.

use migrate::evidence::{Proportion, difference, rank_test, ratio, shift};
use proptest::prelude::*;

use crate::support::{agree, sample};

/// Multiples of a quarter, so that sums are exact; few different ones, so that there are ties.
fn quarters() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec((-40_i32..40).prop_map(|n| f64::from(n) / 4.0), 1..60)
}

fn positive() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(0.5_f64..500.0, 4..60)
}

fn moved(observations: &[f64], by: f64) -> Vec<f64> {
    observations.iter().map(|value| value + by).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn changing_sides_turns_the_test_around(first in quarters(), second in quarters()) {
        let (first, second) = (sample(&first), sample(&second));
        let (there, back) = (rank_test(&first, &second).unwrap(), rank_test(&second, &first).unwrap());
        prop_assert!(agree(there.superiority, 1.0 - back.superiority, 1e-12));
        prop_assert!(agree(there.p_greater, back.p_less, 1e-9) && agree(there.p_less, back.p_greater, 1e-9));
        prop_assert!(agree(there.p_two_sided, back.p_two_sided, 1e-9));
        prop_assert!(there.p_greater + there.p_less >= 1.0 - 1e-12);
        match (shift(&first, &second, 0.9), shift(&second, &first, 0.9)) {
            (Some(there), Some(back)) => {
                prop_assert_eq!((there.low, there.estimate, there.high), (-back.high, -back.estimate, -back.low));
            }
            (there, back) => prop_assert!(there.is_none() && back.is_none()),
        }
    }

    #[test]
    fn moving_a_sample_moves_its_shift(first in quarters(), second in quarters(), by in -40_i32..40) {
        let by = f64::from(by) / 4.0;
        let before = shift(&sample(&first), &sample(&second), 0.9);
        let after = shift(&sample(&first), &sample(&moved(&second, by)), 0.9);
        match (before, after) {
            (Some(before), Some(after)) => {
                let expected = (before.low + by, before.estimate + by, before.high + by);
                prop_assert_eq!((after.low, after.estimate, after.high), expected);
            }
            (before, after) => prop_assert!(before.is_none() && after.is_none()),
        }
    }

    #[test]
    fn moving_both_changes_nothing(first in quarters(), second in quarters(), by in -40_i32..40) {
        let by = f64::from(by) / 4.0;
        let moved = (sample(&moved(&first, by)), sample(&moved(&second, by)));
        prop_assert_eq!(rank_test(&sample(&first), &sample(&second)), rank_test(&moved.0, &moved.1));
    }

    #[test]
    fn a_greater_sample_is_never_less_likely_to_be_greater(first in quarters(), second in quarters(), by in 1_i32..40) {
        let (first, more) = (sample(&first), sample(&moved(&second, f64::from(by))));
        let second = sample(&second);
        prop_assert!(rank_test(&first, &more).unwrap().wins >= rank_test(&first, &second).unwrap().wins);
        if let (Some(less), Some(more)) = (shift(&first, &second, 0.9), shift(&first, &more, 0.9)) {
            prop_assert!(more.low > less.low && more.estimate > less.estimate && more.high > less.high);
        }
    }

    #[test]
    fn more_confidence_is_a_wider_interval(first in positive(), second in positive()) {
        let (first, second) = (sample(&first), sample(&second));
        if let (Some(wide), Some(narrow)) = (shift(&first, &second, 0.95), shift(&first, &second, 0.8)) {
            prop_assert!(wide.low <= narrow.low && narrow.low <= narrow.estimate);
            prop_assert!(narrow.estimate <= narrow.high && narrow.high <= wide.high);
        }
    }

    #[test]
    fn a_ratio_grows_with_its_sample(first in positive(), second in positive(), times in 0.1_f64..10.0) {
        let scaled: Vec<f64> = second.iter().map(|value| value * times).collect();
        let before = ratio(&sample(&first), &sample(&second), 0.8);
        let after = ratio(&sample(&first), &sample(&scaled), 0.8);
        if let (Some(before), Some(after)) = (before, after) {
            prop_assert!(agree(after.estimate, before.estimate * times, 1e-9), "{before:?} {after:?} {times}");
            prop_assert!(agree(after.low, before.low * times, 1e-9) && agree(after.high, before.high * times, 1e-9));
        }
    }

    #[test]
    fn a_share_is_in_its_interval(hits in 0_u64..500, others in 0_u64..500, more in 1_u64..500) {
        prop_assume!(hits + others > 0);
        let proportion = Proportion::new(hits, hits + others);
        let interval = proportion.interval(0.95).unwrap();
        prop_assert!(interval.contains(interval.estimate) && interval.low >= 0.0 && interval.high <= 1.0);
        let worse = Proportion::new(hits + more, hits + others + more);
        prop_assert!(worse.interval(0.95).unwrap().low >= interval.low);
        let apart = difference(proportion, worse, 0.95).unwrap();
        prop_assert!(apart.contains(apart.estimate) && apart.estimate >= 0.0);
    }
}
