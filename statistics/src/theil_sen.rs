//! The slope of a cloud of points that a few wild ones do not bend: the median of the slopes of all pairs.
//!
//! H. Theil, "A rank-invariant method of linear and polynomial regression analysis", Proceedings of the Royal Netherlands
//! Academy of Sciences 53 (1950); the interval is that of P. K. Sen, "Estimates of the regression coefficient based on
//! Kendall's tau", Journal of the American Statistical Association 63 (1968), formula 2.6, as SciPy's `theilslopes` has
//! it. Observations that follow each other closely are alike, and an interval that takes them for independent is too
//! narrow: [`theil_sen_in_time`] widens the variance as S. Yue and C. Wang do, "The Mann-Kendall test modified by
//! effective sample size", Water Resources Management 18 (2004). Ranks know nothing of distances: of points that follow each
//! other so closely that a few independent ones are left, they bound nothing, however plain the slope is. The bounds are
//! then those of least squares around the line, with the same fewer points.

use serde::{Deserialize, Serialize};

use crate::normal::two_sided_quantile;
use crate::shift::Interval;

/// Up to so many points every pair is looked at: two million slopes, 16 MiB.
pub const MOST_POINTS_PAIRED: usize = 2_048;

/// How many pairs are drawn when there are more points than that.
const PAIRS_DRAWN: usize = 2_000_000;

/// The same points are always judged by the same pairs.
const SEED: u64 = 1_968;

/// A slope.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// The median slope, in units of the second coordinate per unit of the first.
    pub estimate: f64,
    /// The same with its bounds. `None` when there are too few points for an interval of the confidence asked for: 4,
    /// for 0.95.
    pub interval: Option<Interval>,
    /// How many points there are.
    pub points: usize,
    /// How many pairs of them differ in the first coordinate.
    pub pairs: u64,
    /// How many times as large as for independent points the variance was taken to be, at least 1.
    pub inflation: f64,
}

/// The slope of points in any order, taken for independent of each other. `None` when a coordinate is not a finite number
/// or no two points differ in the first one. With more than [`MOST_POINTS_PAIRED`] points, a slope of two million pairs
/// drawn by a fixed seed, with bounds widened by what the drawing leaves unknown.
pub fn theil_sen(points: &[(f64, f64)], confidence: f64) -> Option<Slope> {
    estimate(&[points], confidence, |_| 1.0)
}

/// The slope that several series have in common, each with a level of its own: only points of one series are paired, as
/// R. M. Hirsch and others do for seasons, "Techniques of trend analysis for monthly water quality data", Water Resources
/// Research 18 (1982). The points of each series are in the order of time, and neighbours may be alike: the interval is as
/// wide as the autocorrelation of what is left after the slope is taken away makes it.
pub fn theil_sen_in_time(series: &[Vec<(f64, f64)>], confidence: f64) -> Option<Slope> {
    let series: Vec<&[(f64, f64)]> = series.iter().map(Vec::as_slice).collect();
    estimate(&series, confidence, |slope| inflation(&series, slope))
}

fn estimate(series: &[&[(f64, f64)]], confidence: f64, inflation: impl Fn(f64) -> f64) -> Option<Slope> {
    if series.iter().any(|points| points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite())) {
        return None;
    }
    let (mut slopes, pairs, unknown) = slopes(series);
    if slopes.is_empty() {
        return None;
    }
    let count = slopes.len();
    let above = at(&mut slopes, count / 2);
    let below = if count.is_multiple_of(2) { at(&mut slopes, count / 2 - 1) } else { above };
    let estimate = below + (above - below) / 2.0;
    let inflation = inflation(estimate);
    let variance: f64 = series.iter().map(|points| variance(points)).sum();
    // Of drawn pairs, the same share of them.
    let scale = count as f64 / pairs as f64;
    let quantile = two_sided_quantile(confidence);
    let ranks = |inflation: f64| {
        let reach = quantile * (variance * inflation).sqrt() * scale + 2.0 * unknown;
        // Sen's ranks, as SciPy rounds them.
        let low = ((count as f64 - reach) / 2.0).round_ties_even() - 1.0;
        let high = f64::midpoint(count as f64, reach).round_ties_even();
        (low >= 0.0 && high <= (count - 1) as f64).then_some((low as usize, high as usize))
    };
    let interval = match ranks(inflation) {
        Some((low, high)) => Some(Interval {
            // Rounding in the middle must not leave the estimate out.
            low: at(&mut slopes, low).min(estimate),
            estimate,
            high: at(&mut slopes, high).max(estimate),
        }),
        // Enough points, but each so much like the one before that their ranks say nothing.
        None if ranks(1.0).is_some() => around(series, estimate, quantile * inflation.sqrt()),
        None => None,
    };
    let points = series.iter().map(|points| points.len()).sum();
    Some(Slope { estimate, interval, points, pairs, inflation })
}

/// The bounds by how far the points lie from the line, so many standard errors wide to each side, and twice that: how
/// alike neighbours are is known less well the more alike they are.
fn around(series: &[&[(f64, f64)]], estimate: f64, errors: f64) -> Option<Interval> {
    let (mut squares, mut spread, mut free) = (0.0, 0.0, -1.0);
    for points in series.iter().filter(|points| points.len() > 1) {
        let count = points.len() as f64;
        let middle = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let level = points.iter().map(|(x, y)| y - estimate * x).sum::<f64>() / count;
        squares += points.iter().map(|(x, y)| (y - estimate * x - level).powi(2)).sum::<f64>();
        spread += points.iter().map(|(x, _)| (x - middle).powi(2)).sum::<f64>();
        free += count - 1.0;
    }
    let reach = 2.0 * errors * (squares / free / spread).sqrt();
    (free > 0.0 && reach.is_finite()).then_some(Interval { low: estimate - reach, estimate, high: estimate + reach })
}

/// The slopes of all pairs, or of drawn ones; how many pairs there are; by how many ranks drawing may be off.
fn slopes(series: &[&[(f64, f64)]]) -> (Vec<f64>, u64, f64) {
    let slope =
        |(x, y): (f64, f64), (other_x, other_y): (f64, f64)| (x != other_x).then(|| (y - other_y) / (x - other_x));
    if series.iter().map(|points| points.len()).sum::<usize>() <= MOST_POINTS_PAIRED {
        let mut slopes = Vec::new();
        for points in series {
            for (at, point) in points.iter().enumerate() {
                slopes.extend(points[..at].iter().filter_map(|other| slope(*point, *other)));
            }
        }
        let pairs = slopes.len() as u64;
        return (slopes, pairs, 0.0);
    }
    let mut pairs_up_to = Vec::with_capacity(series.len());
    let (mut pairs, mut alike) = (0, 0);
    for points in series {
        let count = points.len() as u64;
        pairs += count * count.saturating_sub(1) / 2;
        alike += ties(points.iter().map(|(x, _)| *x)).map(|count| count * (count - 1) / 2).sum::<u64>();
        pairs_up_to.push(pairs);
    }
    if pairs == 0 {
        return (Vec::new(), 0, 0.0);
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let drawn = (0..PAIRS_DRAWN).filter_map(|_| {
        let drawn = random.u64(..pairs);
        let points = series.get(pairs_up_to.partition_point(|up_to| *up_to <= drawn))?;
        let (first, second) = (random.usize(..points.len()), random.usize(..points.len()));
        slope(points[first], points[second])
    });
    let slopes: Vec<f64> = drawn.collect();
    // Three standard deviations of the rank of a middle value.
    let unknown = 1.5 * (slopes.len() as f64).sqrt();
    (slopes, pairs - alike, unknown)
}

fn at(slopes: &mut [f64], position: usize) -> f64 {
    *slopes.select_nth_unstable_by(position, f64::total_cmp).1
}

/// The variance of Kendall's score, with ties in both coordinates.
fn variance(points: &[(f64, f64)]) -> f64 {
    let part = |count: u64| count as f64 * (count as f64 - 1.0) * (2.0 * count as f64 + 5.0);
    let tied = |values: Vec<f64>| -> f64 { ties(values.into_iter()).map(part).sum() };
    let (x, y) = (points.iter().map(|(x, _)| *x).collect(), points.iter().map(|(_, y)| *y).collect());
    ((part(points.len() as u64) - tied(x) - tied(y)) / 18.0).max(0.0)
}

/// How often each value occurs that occurs more than once.
fn ties(values: impl Iterator<Item = f64>) -> impl Iterator<Item = u64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    let counts: Vec<u64> = values.chunk_by(|left, right| left == right).map(|equal| equal.len() as u64).collect();
    counts.into_iter().filter(|count| *count > 1)
}

/// `(1 + r) / (1 - r)` for the correlation `r` of the residuals with their predecessors.
fn inflation(series: &[&[(f64, f64)]], slope: f64) -> f64 {
    let (mut total, mut shifted, mut size, mut count) = (0.0, 0.0, 0.0_f64, 0.0);
    for points in series.iter().filter(|points| points.len() > 1) {
        let mut residuals: Vec<f64> = points.iter().map(|(x, y)| y - slope * x).collect();
        let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
        residuals.iter_mut().for_each(|value| *value -= mean);
        total += residuals.iter().map(|value| value * value).sum::<f64>();
        shifted += residuals.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        size = points.iter().map(|(x, y)| y.abs().max((slope * x).abs())).fold(size, f64::max);
        count += residuals.len() as f64;
    }
    // What is left of an exact line is rounding.
    if total.sqrt() <= 1e-12 * size * count {
        return 1.0;
    }
    let raw = shifted / total;
    // Residuals of a fitted line are less alike than what they are residuals of: about (1 + 4 r) / n less.
    let correlation = (raw + (1.0 + 4.0 * raw) / count).clamp(0.0, 0.99);
    (1.0 + correlation) / (1.0 - correlation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_median_of_all_slopes() {
        // By hand: -0.15, -0.13, -0.08, -0.07, -0.0575, -0.055, -0.045, -0.0333, 0.01, 0.04.
        let points = [(1.0, 1.26), (2.0, 1.27), (3.0, 1.12), (4.0, 1.16), (5.0, 1.03)];
        let slope = theil_sen(&points, 0.9).unwrap();
        assert!((slope.estimate + 0.05625).abs() < 1e-12 && slope.pairs == 10, "{slope:?}");
    }

    #[test]
    fn series_at_different_levels_have_one_slope() {
        let line = |level: f64| -> Vec<(f64, f64)> { (0..8).map(|n| (f64::from(n), level + f64::from(n))).collect() };
        let slope = theil_sen_in_time(&[line(0.0), line(1e6)], 0.95).unwrap();
        assert_eq!((slope.estimate, slope.pairs, slope.points), (1.0, 56, 16));
        assert_eq!(slope.interval, Some(Interval { low: 1.0, estimate: 1.0, high: 1.0 }));
    }

    /// Growth at a pace that comes and goes around 1: what a leak does on a machine that is busy with other things, too.
    fn wandering(points: u32, seed: u64) -> Vec<(f64, f64)> {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut level, mut pace) = (0.0, 1.0);
        let step = |second| {
            pace = 0.9 * pace + 0.1 + 0.6 * (random.f64() - 0.5);
            level += pace;
            (f64::from(second), level)
        };
        (0..points).map(step).collect()
    }

    #[test]
    fn points_that_follow_each_other_closely_have_bounds_by_their_distance() {
        let slopes: Vec<Slope> = (0..40).filter_map(|seed| theil_sen_in_time(&[wandering(70, seed)], 0.95)).collect();
        let alike: Vec<&Slope> = slopes.iter().filter(|slope| slope.inflation > 40.0).collect();
        assert!(alike.len() > 10, "{slopes:?}");
        let bounds: Vec<Interval> = alike.iter().filter_map(|slope| slope.interval).collect();
        assert_eq!(bounds.len(), alike.len(), "{alike:?}");
        let growing = bounds.iter().filter(|found| found.low > 0.0 && found.high < 4.0).count();
        let right = bounds.iter().filter(|found| found.low <= 1.0 && 1.0 <= found.high).count();
        assert!(2 * growing >= bounds.len() && 5 * right >= 4 * bounds.len(), "{growing} and {right} of {bounds:?}");
        assert_eq!(theil_sen_in_time(&[wandering(3, 1)], 0.95).unwrap().interval, None);
    }

    #[test]
    fn too_few_have_no_interval_and_none_no_slope() {
        let line = |count: u32| -> Vec<(f64, f64)> { (0..count).map(|n| (f64::from(n), f64::from(2 * n))).collect() };
        assert_eq!(theil_sen(&line(1), 0.95), None);
        assert_eq!(theil_sen(&[(1.0, 2.0), (1.0, 3.0)], 0.95), None);
        assert_eq!(theil_sen(&[(1.0, 2.0), (2.0, f64::NAN)], 0.95), None);
        assert_eq!(theil_sen(&line(3), 0.95).unwrap().interval, None);
        assert_eq!(theil_sen(&line(3), 0.95).unwrap().estimate, 2.0);
        assert!(theil_sen(&line(6), 0.95).unwrap().interval.is_some());
    }

    #[test]
    fn one_wild_point_bends_nothing() {
        let mut points: Vec<(f64, f64)> = (0..50).map(|n| (f64::from(n), 3.0 * f64::from(n))).collect();
        points[25].1 = 1e9;
        assert_eq!(theil_sen(&points, 0.95).unwrap().estimate, 3.0);
    }
}
