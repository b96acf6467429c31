//! What statrs says, on random samples.
//!
//! statrs 0.19.1 counts exactly only when the sample it tests is the longer one: otherwise `calc_mwu_exact_pvalue`
//! gives `1 - P(U >= u)`. SciPy sides with us (scipy.json has both directions), so tiny samples are drawn that way round.

use migrate::evidence::{Method, rank_test};
use statrs::stats_tests::Alternative;
use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};

use crate::support::{agree, sample};

fn compare(first: &[f64], second: &[f64]) {
    let found = rank_test(&sample(first), &sample(second)).expect("both are there");
    let method = || match found.method {
        Method::Exact => MannWhitneyUMethod::Exact,
        Method::Normal => MannWhitneyUMethod::AsymptoticInclContinuityCorrection,
    };
    let sides = [
        (Alternative::TwoSided, found.p_two_sided),
        (Alternative::Greater, found.p_greater),
        (Alternative::Less, found.p_less),
    ];
    for (alternative, p) in sides {
        let (wins, expected) = mannwhitneyu(second, first, method(), alternative).expect("both can be ordered");
        assert!(agree(found.wins, wins, 1e-12), "{} wins, and statrs says {wins}", found.wins);
        // Its normal distribution is good to about 1e-10.
        let is_close = agree(p, expected, 1e-6) || (p - expected).abs() < 1e-9;
        assert!(
            is_close,
            "{:?} {alternative:?}: {p}, and statrs says {expected} ({first:?}, {second:?})",
            found.method
        );
    }
}

#[test]
fn tiny_samples_without_ties() {
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..60 {
        let m = random.usize(1..9);
        let n = random.usize(m + 1..11);
        let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| random.f64()).collect() };
        compare(&draw(m), &draw(n));
    }
}

#[test]
fn samples_with_and_without_ties() {
    let mut random = fastrand::Rng::with_seed(2);
    for round in 0..40 {
        let (m, n) = (random.usize(25..200), random.usize(25..200));
        let mut draw = |count: usize| -> Vec<f64> {
            (0..count).map(|_| if round % 2 == 0 { f64::from(random.u8(0..12)) } else { random.f64() }).collect()
        };
        compare(&draw(m), &draw(n));
    }
}

#[test]
fn equal_and_constant_samples() {
    let ascending: Vec<f64> = (0..50).map(f64::from).collect();
    compare(&ascending, &ascending);
    compare(&[5.0; 30], &[6.0; 20]);
}
