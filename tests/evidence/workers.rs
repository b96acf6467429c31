//! How many workers, and whether the host bears them.

use migrate::core::Verdict;
use migrate::evidence::{HostLoad, Knee, KneeLimits, Proportion, SaturationLimits, WorkerRun, knee, saturation};
use proptest::prelude::*;

/// Twenty windows around a throughput and a 95th percentile, each off by up to `noise` of itself.
fn run(workers: u32, throughput: f64, p95: f64, noise: f64) -> WorkerRun {
    let mut random = fastrand::Rng::with_seed(u64::from(workers));
    let mut around = |value: f64| (0..20).map(|_| value * (1.0 + noise * (random.f64() - 0.5))).collect();
    WorkerRun {
        workers,
        throughput: around(throughput),
        p95_ms: around(p95),
        errors: Proportion::new(0, 5_000),
        memory_bytes: u64::from(workers) * (200 << 20),
    }
}

fn limits() -> KneeLimits {
    KneeLimits::within(2 << 30)
}

fn found(runs: &[WorkerRun]) -> Knee {
    knee(runs, &limits())
}

#[test]
fn the_knee_is_where_a_further_worker_gains_too_little() {
    let runs = [run(2, 100.0, 400.0, 0.05), run(3, 140.0, 300.0, 0.05), run(4, 142.0, 295.0, 0.05)];
    let knee = found(&runs);
    assert_eq!((knee.verdict, knee.recommended), (Verdict::Pass, Some(3)), "{}", knee.reason);
    assert!(knee.reason.starts_with("3 workers: 3 workers answer "), "{}", knee.reason);
    assert!(knee.reason.contains("4 workers answer 1."), "{}", knee.reason);
    // A number beyond the knee is not looked at, however good.
    let beyond = [runs.to_vec(), vec![run(5, 900.0, 10.0, 0.05)]].concat();
    assert_eq!(found(&beyond), knee);
}

#[test]
fn as_long_as_it_gains_it_goes_on() {
    let runs = [run(2, 100.0, 400.0, 0.05), run(3, 150.0, 280.0, 0.05), run(4, 200.0, 200.0, 0.05)];
    let knee = found(&runs);
    assert_eq!(knee.recommended, Some(4));
    assert!(knee.reason.ends_with("more were not tried"), "{}", knee.reason);
}

#[test]
fn a_lower_percentile_alone_is_a_gain_and_one_that_costs_throughput_is_none() {
    // A closed load of a fixed number of people answers the same, only faster.
    assert_eq!(found(&[run(2, 100.0, 400.0, 0.02), run(3, 100.5, 300.0, 0.02)]).recommended, Some(3));
    assert_eq!(found(&[run(2, 100.0, 400.0, 0.02), run(3, 80.0, 300.0, 0.02)]).recommended, Some(2));
    assert_eq!(found(&[run(2, 100.0, 400.0, 0.02), run(3, 120.0, 500.0, 0.02)]).recommended, Some(2));
}

#[test]
fn a_gain_within_the_noise_is_none() {
    let quiet = [run(2, 100.0, 400.0, 0.02), run(3, 108.0, 400.0, 0.02)];
    assert_eq!(found(&quiet).recommended, Some(3));
    let noisy = [run(2, 100.0, 400.0, 0.6), run(3, 108.0, 400.0, 0.6)];
    assert_eq!(found(&noisy).recommended, Some(2), "{}", found(&noisy).reason);
}

#[test]
fn two_workers_more_have_to_bring_twice_as_much() {
    let runs = [run(2, 100.0, 400.0, 0.01), run(4, 107.0, 400.0, 0.01)];
    assert_eq!(found(&runs).recommended, Some(2), "{}", found(&runs).reason);
    let runs = [run(2, 100.0, 400.0, 0.01), run(4, 113.0, 400.0, 0.01)];
    assert_eq!(found(&runs).recommended, Some(4), "{}", found(&runs).reason);
}

#[test]
fn errors_and_memory_end_it_whatever_is_gained() {
    let broken = WorkerRun { errors: Proportion::new(300, 5_000), ..run(3, 200.0, 200.0, 0.02) };
    let knee = found(&[run(2, 100.0, 400.0, 0.02), broken.clone()]);
    assert_eq!((knee.recommended, knee.steps[1].verdict), (Some(2), Verdict::Abort));
    assert!(knee.reason.contains("300 of 5000 requests failed with 3 workers"), "{}", knee.reason);
    let large = WorkerRun { memory_bytes: 3 << 30, ..run(3, 200.0, 200.0, 0.02) };
    let knee = found(&[run(2, 100.0, 400.0, 0.02), large]);
    assert_eq!((knee.recommended, knee.steps[1].verdict), (Some(2), Verdict::Hold));
    assert!(knee.reason.contains("3 workers hold 3 GiB of memory, and there is room for 2 GiB"), "{}", knee.reason);
    // Nothing to step back to.
    let knee = found(&[WorkerRun { workers: 2, ..broken }]);
    assert_eq!((knee.verdict, knee.recommended), (Verdict::Abort, None));
}

#[test]
fn what_was_not_measured_is_not_recommended() {
    assert_eq!((found(&[]).verdict, found(&[]).recommended), (Verdict::Inconclusive, None));
    let unmeasured = WorkerRun { errors: Proportion::new(0, 0), ..run(2, 100.0, 400.0, 0.02) };
    assert_eq!(found(&[unmeasured]).verdict, Verdict::Inconclusive);
    let brief = WorkerRun { throughput: vec![120.0], ..run(3, 100.0, 400.0, 0.02) };
    let knee = found(&[run(2, 100.0, 400.0, 0.02), brief]);
    assert_eq!((knee.recommended, knee.steps[1].verdict), (Some(2), Verdict::Inconclusive));
    let few = WorkerRun { errors: Proportion::new(0, 20), ..run(2, 100.0, 400.0, 0.02) };
    assert_eq!(found(&[few]).verdict, Verdict::Inconclusive);
}

const CALM: HostLoad = HostLoad { cpu: 0.5, available_bytes: 4 << 30, swapped_bytes: 0, out_of_memory_kills: 0 };

fn judged(sample: HostLoad, errors: Proportion) -> Verdict {
    saturation(&[sample; 30], errors, &SaturationLimits::default()).verdict
}

#[test]
fn everything_has_two_limits() {
    let fine = Proportion::new(0, 2_000);
    assert_eq!(judged(CALM, fine), Verdict::Pass);
    for (sample, verdict) in [
        (HostLoad { cpu: 0.95, ..CALM }, Verdict::Hold),
        (HostLoad { cpu: 1.0, ..CALM }, Verdict::Abort),
        (HostLoad { available_bytes: 200 << 20, ..CALM }, Verdict::Hold),
        (HostLoad { available_bytes: 50 << 20, ..CALM }, Verdict::Abort),
        (HostLoad { swapped_bytes: 100 << 20, ..CALM }, Verdict::Hold),
        (HostLoad { swapped_bytes: 1 << 30, ..CALM }, Verdict::Abort),
        (HostLoad { out_of_memory_kills: 1, ..CALM }, Verdict::Abort),
    ] {
        assert_eq!(judged(sample, fine), verdict, "{sample:?}");
    }
    assert_eq!(judged(CALM, Proportion::new(60, 2_000)), Verdict::Hold);
    assert_eq!(judged(CALM, Proportion::new(400, 2_000)), Verdict::Abort);
}

#[test]
fn a_moment_at_the_top_is_no_harm_and_a_moment_without_memory_is() {
    let limits = SaturationLimits::default();
    let fine = Proportion::new(0, 2_000);
    let mut window = [CALM; 30];
    window[7].cpu = 1.0;
    assert_eq!(saturation(&window, fine, &limits).verdict, Verdict::Pass);
    window[7].available_bytes = 10 << 20;
    let found = saturation(&window, fine, &limits);
    assert_eq!(found.verdict, Verdict::Abort);
    assert_eq!(found.summary(), "10 MiB of memory were left; the limits are 256 MiB and 96 MiB");
}

#[test]
fn nothing_seen_never_passes_and_danger_needs_no_minimum() {
    let limits = SaturationLimits::default();
    assert_eq!(saturation(&[], Proportion::default(), &limits).verdict, Verdict::Inconclusive);
    assert_eq!(saturation(&[CALM; 3], Proportion::new(0, 2_000), &limits).verdict, Verdict::Inconclusive);
    assert_eq!(saturation(&[CALM; 30], Proportion::default(), &limits).verdict, Verdict::Inconclusive);
    let danger = HostLoad { available_bytes: 0, ..CALM };
    assert_eq!(saturation(&[danger], Proportion::default(), &limits).verdict, Verdict::Abort);
    // The first request of all fails: that is no share of many.
    assert_eq!(judged(CALM, Proportion::new(1, 1)), Verdict::Hold);
    assert_eq!(judged(CALM, Proportion::new(20, 20)), Verdict::Abort);
}

#[test]
fn a_count_that_is_worse_is_said_to_be_worse() {
    let knee = found(&[run(2, 100.0, 400.0, 0.02), run(3, 60.0, 900.0, 0.02)]);
    assert_eq!(knee.recommended, Some(2));
    let words = &knee.steps[1].words;
    assert!(words.contains(" % less than 2 (-") && words.contains(" % higher (+") && !words.contains(" -4"), "{words}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_better_run_never_loses_its_recommendation(
        gain in 0.9_f64..1.5, faster in 0.6_f64..1.1, better in 1.0_f64..1.5, noise in 0.0_f64..0.3
    ) {
        let first = run(2, 100.0, 400.0, noise);
        let second = run(3, 100.0 * gain, 400.0 * faster, noise);
        let improved = WorkerRun {
            throughput: second.throughput.iter().map(|value| value * better).collect(),
            p95_ms: second.p95_ms.iter().map(|value| value / better).collect(),
            ..second.clone()
        };
        let before = found(&[first.clone(), second]).recommended;
        prop_assert!(found(&[first, improved]).recommended >= before);
    }

    #[test]
    fn units_and_order_are_no_matter(scale in 0.01_f64..100.0, gain in 0.9_f64..1.5) {
        let runs = [run(2, 100.0, 400.0, 0.1), run(3, 100.0 * gain, 390.0, 0.1), run(4, 110.0 * gain, 380.0, 0.1)];
        let scaled: Vec<WorkerRun> = runs.iter().rev().map(|one| WorkerRun {
            throughput: one.throughput.iter().map(|value| value * scale).collect(),
            p95_ms: one.p95_ms.iter().map(|value| value * scale).collect(),
            ..one.clone()
        }).collect();
        prop_assert_eq!(found(&scaled).recommended, found(&runs).recommended);
    }

    #[test]
    fn more_of_anything_bad_is_never_better(cpu in 0.0_f64..1.0, more in 0.0_f64..0.3, left in 0_u64..(1 << 30), less in 0_u64..(1 << 29)) {
        let fine = Proportion::new(0, 2_000);
        let before = judged(HostLoad { cpu, available_bytes: left, ..CALM }, fine);
        let after = judged(HostLoad { cpu: cpu + more, available_bytes: left.saturating_sub(less), ..CALM }, fine);
        prop_assert!(after >= before);
    }
}
