//! What the rank statistics cost: 100,000 latencies on either side. `cargo bench --no-default-features --bench rank`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a benchmark may panic, start processes, look at the clock and print"
)]

use std::time::{Duration, Instant};

use migrate::evidence::{Interval, LatencyHistogram, RankTest, Sample, rank_test, ratio, shift};

const COUNT: usize = 100_000;
const ROUNDS: usize = 15;

/// Log-normal latencies in milliseconds: a median of 40, and a long tail.
fn latencies(seed: u64, slower: f64) -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let normal = |random: &mut fastrand::Rng| (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    (0..COUNT).map(|_| slower * 40.0 * (0.4 * normal(&mut random)).exp()).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn time<T>(name: &str, mut run: impl FnMut() -> T) -> (T, Duration) {
    let mut times = Vec::new();
    let mut last = run();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        last = std::hint::black_box(run());
        times.push(started.elapsed());
    }
    let worst = times.iter().max().copied().unwrap_or_default();
    let median = median(times);
    println!("{name:<58} median {median:>8.2?}  worst {worst:>8.2?}");
    (last, median)
}

fn both(first: &[f64], second: &[f64]) -> (Sample, Sample) {
    (Sample::of(first.to_vec()).unwrap(), Sample::of(second.to_vec()).unwrap())
}

fn main() -> std::process::ExitCode {
    let (first, second) = (latencies(1, 1.0), latencies(2, 1.02));
    println!("{COUNT} latencies on either side, {ROUNDS} rounds");
    let ((a, b), _) = time("sort both", || both(&first, &second));
    let (test, _): (RankTest, _) = time("rank test, sorted", || rank_test(&a, &b).unwrap());
    let (found, _): (Interval, _) = time("shift with its interval, sorted", || shift(&a, &b, 0.95).unwrap());
    let (times, _): (Interval, _) = time("ratio with its interval, sorted", || ratio(&a, &b, 0.95).unwrap());
    let (_, whole_test) = time("sort, rank test, shift with its interval", || {
        let (a, b) = both(&first, &second);
        (rank_test(&a, &b), shift(&a, &b, 0.95))
    });
    let whole: Vec<f64> = first.iter().map(|value| value.round()).collect();
    let coarse: Vec<f64> = second.iter().map(|value| value.round()).collect();
    time("the same, in whole milliseconds (ties)", || {
        let (a, b) = both(&whole, &coarse);
        (rank_test(&a, &b), shift(&a, &b, 0.95))
    });
    let histogram = |values: &[f64]| {
        let mut histogram = LatencyHistogram::new();
        values.iter().for_each(|value| histogram.record(Duration::from_secs_f64(value / 1_000.0)));
        histogram
    };
    let (counted, other) = (histogram(&first), histogram(&second));
    time("rank test, shift and ratio, from two histograms", || {
        let (a, b) = (counted.sample(), other.sample());
        (rank_test(&a, &b), shift(&a, &b, 0.95), ratio(&a, &b, 0.95))
    });
    println!("p {:.3e}, shift {found:.3?} ms, ratio {times:.4?}", test.p_two_sided);
    let is_kept = whole_test < Duration::from_millis(50);
    println!("{}: {whole_test:.1?} of 50 ms", if is_kept { "kept" } else { "BROKEN" });
    if is_kept { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
