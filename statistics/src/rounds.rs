//! What the turns of a comparison say about it when each turn is taken as a whole.
//!
//! Requests of one turn share its weather: whatever else the machine does meanwhile slows all of them. An interval over
//! single requests takes them for independent, and is too narrow on a busy machine. An interval over turns, each one
//! number, does not: on a quiet machine it is about as wide as the other, on a busy one wider.

use crate::normal::two_sided_quantile;
use crate::shift::Interval;

/// Fewer turns say nothing about how much turns differ.
const FEWEST: usize = 3;

/// The mean ratio over turns with its interval, by Student's t on the logarithms. `None` for fewer than 3 turns, or when
/// one is not positive.
pub fn over_rounds(ratios: &[f64], confidence: f64) -> Option<Interval> {
    if ratios.len() < FEWEST || ratios.iter().any(|ratio| !ratio.is_finite() || *ratio <= 0.0) {
        return None;
    }
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let count = logarithms.len() as f64;
    let mean = logarithms.iter().sum::<f64>() / count;
    let squares: f64 = logarithms.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let reach = student(confidence, count - 1.0) * error;
    Some(Interval { low: (mean - reach).exp(), estimate: mean.exp(), high: (mean + reach).exp() })
}

/// The two-sided quantile of Student's t: Cornish and Fisher's expansion around the normal one (Abramowitz and Stegun
/// 26.7.5), within a percent from 3 degrees of freedom on; with 2 it is known exactly.
fn student(confidence: f64, freedom: f64) -> f64 {
    if freedom < 2.5 {
        let tail = (1.0 - confidence).max(1e-12);
        return (2.0 / (tail * (2.0 - tail)) - 2.0).sqrt();
    }
    let z = two_sided_quantile(confidence);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let fourth =
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1_482.0 * z.powi(5) - 1_920.0 * z.powi(3) - 945.0 * z) / 92_160.0;
    z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3) + fourth / freedom.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (freedom, expected) in [(2.0, 4.303), (3.0, 3.182), (5.0, 2.571), (9.0, 2.262), (30.0, 2.042)] {
            let found = student(0.95, freedom);
            assert!((found - expected).abs() < expected * 0.01, "{freedom}: {found}");
        }
    }

    #[test]
    fn turns_that_differ_make_it_wide() {
        let calm = over_rounds(&[1.01, 0.99, 1.0, 1.02, 0.98], 0.95).unwrap();
        let busy = over_rounds(&[1.4, 0.8, 1.0, 1.3, 0.7], 0.95).unwrap();
        assert!(calm.contains(1.0) && calm.high < 1.03, "{calm:?}");
        assert!(busy.contains(1.0) && busy.high > 1.3, "{busy:?}");
        // By hand: mean 0, standard deviation ln 2, three turns.
        let three = over_rounds(&[0.5, 1.0, 2.0], 0.95).unwrap();
        assert!((three.high.ln() - 4.303 * 2.0_f64.ln() / 3.0_f64.sqrt()).abs() < 1e-3, "{three:?}");
    }

    #[test]
    fn too_few_and_impossible_turns_say_nothing() {
        assert_eq!(over_rounds(&[1.0, 1.0], 0.95), None);
        assert_eq!(over_rounds(&[1.0, 0.0, 1.0], 0.95), None);
        assert_eq!(over_rounds(&[1.0, f64::NAN, 1.0], 0.95), None);
    }
}
