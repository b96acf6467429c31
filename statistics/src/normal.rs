//! The normal distribution: its upper tail and its quantiles.

/// `P(Z >= z)` of a standard normal variable, accurate to about 1e-13 of itself.
///
/// Near the middle by the series of Abramowitz and Stegun 26.2.11, whose terms are all positive; in the tail by the
/// continued fraction 26.2.14, evaluated from its far end.
pub fn upper_tail(z: f64) -> f64 {
    if z.is_nan() {
        return f64::NAN;
    }
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 3.0 {
        let (mut term, mut sum) = (z, z);
        let mut divisor = 1.0;
        while term > sum * 1e-17 {
            divisor += 2.0;
            term *= z * z / divisor;
            sum += term;
        }
        return 0.5 - density * sum;
    }
    let fraction = (1..=120).rev().fold(z, |rest, level| z + f64::from(level) / rest);
    density / fraction
}

/// The `z` with `P(-z <= Z <= z) = confidence`: 1.96 for 0.95. Confidence is clamped to 0..=1 - 1e-12.
pub fn two_sided_quantile(confidence: f64) -> f64 {
    let tail = 0.5 * (1.0 - confidence.clamp(0.0, 1.0 - 1e-12));
    let (mut low, mut high) = (0.0_f64, 10.0_f64);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if upper_tail(middle) > tail { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_tables_say() {
        // scipy.stats.norm.sf
        for (z, tail) in [
            (0.0, 0.5),
            (1.0, 0.158_655_253_931_457_05),
            (1.96, 0.024_997_895_148_220_435),
            (2.999, 0.001_354_336_533_727_105_7),
            (3.001, 0.001_345_472_825_084_965_3),
            (6.0, 9.865_876_450_376_946e-10),
            (20.0, 2.753_624_118_606_155_6e-89),
        ] {
            let relative = (upper_tail(z) - tail).abs() / tail;
            assert!(relative < 1e-10, "{z}: {} is not {tail}", upper_tail(z));
            assert!((upper_tail(-z) - (1.0 - tail)).abs() < 1e-15);
        }
        assert_eq!(upper_tail(f64::INFINITY), 0.0);
        assert_eq!(upper_tail(f64::NEG_INFINITY), 1.0);
    }

    #[test]
    fn the_quantile_is_the_inverse() {
        assert!((two_sided_quantile(0.95) - 1.959_963_984_540_054).abs() < 1e-12);
        assert!((two_sided_quantile(0.99) - 2.575_829_303_548_900_4).abs() < 1e-12);
        assert!(two_sided_quantile(0.0).abs() < 1e-12);
    }
}
