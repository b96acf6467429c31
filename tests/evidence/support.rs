//! What the tests share.

use migrate::evidence::Sample;

/// A sample.
pub fn sample(observations: &[f64]) -> Sample {
    Sample::of(observations.to_vec()).expect("finite numbers")
}

/// Whether two numbers agree to a relative `tolerance`.
pub fn agree(found: f64, expected: f64, tolerance: f64) -> bool {
    found == expected || (found - expected).abs() <= tolerance * expected.abs().max(found.abs())
}

/// Latencies as applications have them: log-normal around `median` milliseconds, with a slow tail.
pub fn latencies(seed: u64, count: usize, median: f64) -> Vec<f64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let normal = |random: &mut fastrand::Rng| (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
    (0..count)
        .map(|_| {
            let slow = if random.u8(..) == 0 { 5.0 } else { 1.0 };
            slow * median * (0.35 * normal(&mut random)).exp()
        })
        .collect()
}
