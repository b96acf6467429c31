//! The comparison: a slower copy is caught, an equal one passes, too little is not judged, and it says what is missing.

use migrate::core::Verdict;
use migrate::evidence::{Arm, Comparison, Limits, Noise, Proportion, compare};

use crate::support::{latencies, sample};

const SEEDS: u64 = 20;

fn arm(seed: u64, count: usize, median: f64, errors: u64) -> Arm {
    let errors = Proportion::new(errors, count as u64 + errors);
    Arm { latencies: sample(&latencies(seed, count, median)), errors }
}

fn judged(seed: u64, count: usize, slower: f64, errors: u64) -> Comparison {
    let limits = Limits::default();
    let original = arm(4 * seed, count, 40.0, 0);
    let noise = Noise::between(&original.latencies, &arm(4 * seed + 1, count, 40.0, 0).latencies, limits.confidence);
    compare(&original, &arm(4 * seed + 2, count, 40.0 * slower, errors), noise, &limits, Some(600.0))
}

#[test]
fn a_copy_that_is_fifteen_percent_slower_is_caught() {
    for seed in 0..SEEDS {
        let found = judged(seed, 20_000, 1.15, 0);
        assert_eq!(found.verdict, Verdict::Hold, "seed {seed}: {}", found.summary());
        assert!(found.test.unwrap().p_greater < 1e-9);
    }
}

#[test]
fn an_equal_copy_passes() {
    for seed in 0..SEEDS {
        let found = judged(seed, 20_000, 1.0, 0);
        assert_eq!(found.verdict, Verdict::Pass, "seed {seed}: {}", found.summary());
        assert!(found.needed.is_none());
    }
}

#[test]
fn a_faster_copy_passes_and_one_at_twice_the_time_is_reason_to_go_back() {
    for seed in 0..SEEDS {
        assert_eq!(judged(seed, 5_000, 0.7, 0).verdict, Verdict::Pass);
        assert_eq!(judged(seed, 5_000, 2.0, 0).verdict, Verdict::Abort);
    }
}

#[test]
fn too_little_is_not_judged_and_what_is_missing_is_said() {
    for seed in 0..SEEDS {
        let found = judged(seed, 100, 1.0, 0);
        assert_eq!(found.verdict, Verdict::Inconclusive, "seed {seed}: {}", found.summary());
        let needed = found.needed.unwrap();
        assert!(needed.requests.unwrap() >= 100 && needed.minutes.unwrap() >= 1, "{needed}");
        assert!(found.summary().contains("more requests on each side are needed"), "{}", found.summary());
    }
}

#[test]
fn what_is_said_to_be_missing_is_enough() {
    let mut settled = 0;
    for seed in 0..SEEDS {
        let first = judged(seed, 400, 1.0, 0);
        let Some(more) = first.needed.and_then(|needed| needed.requests) else { continue };
        let again = judged(seed, 400 + usize::try_from(more).unwrap(), 1.0, 0);
        settled += u32::from(again.verdict == Verdict::Pass);
    }
    assert!(settled >= 15, "only {settled} of {SEEDS}");
}

#[test]
fn nothing_measured_never_passes() {
    let nothing = Arm::default();
    let found = compare(&nothing, &nothing, None, &Limits::default(), None);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.reasons.iter().all(|reason| reason.verdict == Verdict::Inconclusive));
}

#[test]
fn without_a_run_against_itself_nothing_passes() {
    let (original, copy) = (arm(1, 20_000, 40.0, 0), arm(2, 20_000, 40.0, 0));
    let found = compare(&original, &copy, None, &Limits::default(), None);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert!(found.summary().contains("noise is not known"), "{}", found.summary());
}

#[test]
fn a_noisy_machine_cannot_prove_ten_percent() {
    // The original differs from itself by a fifth: whatever the copy does, ten percent cannot be seen.
    let (original, copy) = (arm(1, 20_000, 40.0, 0), arm(2, 20_000, 40.0, 0));
    let noise = Noise::between(&original.latencies, &arm(3, 20_000, 48.0, 0).latencies, 0.95);
    let found = compare(&original, &copy, noise, &Limits::default(), Some(600.0));
    assert_eq!(found.verdict, Verdict::Inconclusive, "{}", found.summary());
}

#[test]
fn errors_have_a_ceiling_whatever_the_original_does() {
    let limits = Limits::default();
    let broken = |seed| arm(seed, 20_000, 40.0, 1_000);
    let noise = Noise::between(&broken(1).latencies, &broken(2).latencies, limits.confidence);
    let found = compare(&broken(1), &broken(3), noise, &limits, None);
    assert_eq!(found.verdict, Verdict::Abort, "{}", found.summary());
}

#[test]
fn a_copy_with_more_errors_than_the_original_is_held() {
    let limits = Limits { error_ceiling: 0.05, ..Limits::default() };
    let original = arm(1, 20_000, 40.0, 0);
    let noise = Noise::between(&original.latencies, &arm(2, 20_000, 40.0, 0).latencies, limits.confidence);
    let found = compare(&original, &arm(3, 20_000, 40.0, 300), noise, &limits, None);
    assert_eq!(found.verdict, Verdict::Hold, "{}", found.summary());
}

#[test]
fn a_few_requests_that_all_fail_are_enough_to_go_back() {
    let copy = Arm { errors: Proportion::new(50, 50), ..Arm::default() };
    let found = compare(&arm(1, 50, 40.0, 0), &copy, None, &Limits::default(), None);
    assert_eq!(found.verdict, Verdict::Abort, "{}", found.summary());
}

#[test]
fn a_comparison_is_kept_as_evidence() {
    let found = judged(1, 2_000, 1.0, 3);
    let text = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap().reasons, found.reasons);
}
