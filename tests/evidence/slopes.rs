//! Laws of slopes, and what their intervals are worth.

use migrate::evidence::{MOST_POINTS_PAIRED, Slope, theil_sen, theil_sen_in_time};
use proptest::prelude::*;

use crate::support::agree;

fn cloud() -> impl Strategy<Value = Vec<(f64, f64)>> {
    // Multiples of a quarter, so that sums are exact; few different ones, so that there are ties.
    let quarter = || (-40_i32..40).prop_map(|n| f64::from(n) / 4.0);
    proptest::collection::vec((quarter(), quarter()), 2..60)
}

fn bounds(slope: Option<Slope>) -> Option<(f64, Option<(f64, f64)>)> {
    slope.map(|slope| (slope.estimate, slope.interval.map(|interval| (interval.low, interval.high))))
}

fn mapped(points: &[(f64, f64)], map: impl Fn(f64, f64) -> (f64, f64)) -> Vec<(f64, f64)> {
    points.iter().map(|(x, y)| map(*x, *y)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn the_slope_of_a_line_is_exact(
        times in proptest::collection::btree_set(-500_i32..500, 6..60), rise in -64_i32..64, level in -1_000_i32..1_000
    ) {
        let points: Vec<(f64, f64)> =
            times.into_iter().map(|x| (f64::from(x), f64::from(level) + f64::from(rise) * f64::from(x))).collect();
        for found in [theil_sen(&points, 0.95), theil_sen_in_time(std::slice::from_ref(&points), 0.95)] {
            let found = found.unwrap();
            let interval = found.interval.unwrap();
            prop_assert_eq!((interval.low, found.estimate, interval.high), (f64::from(rise), f64::from(rise), f64::from(rise)));
        }
    }

    #[test]
    fn moving_everything_changes_nothing(points in cloud(), by in -40_i32..40, later in -40_i32..40) {
        let moved = mapped(&points, |x, y| (x + f64::from(later), y + f64::from(by)));
        prop_assert_eq!(bounds(theil_sen(&points, 0.9)), bounds(theil_sen(&moved, 0.9)));
        let series = |points: &Vec<(f64, f64)>| theil_sen_in_time(std::slice::from_ref(points), 0.9);
        match (series(&points), series(&moved)) {
            (Some(here), Some(there)) => prop_assert!(agree(here.inflation, there.inflation, 1e-6)),
            (here, there) => prop_assert!(here.is_none() && there.is_none()),
        }
    }

    #[test]
    fn scales_scale_the_slope(points in cloud(), exponent in -8_i32..8) {
        let times = 2.0_f64.powi(exponent);
        let scaled = |by: f64| bounds(theil_sen(&points, 0.9)).map(|(estimate, interval)| {
            (estimate * by, interval.map(|(low, high)| (low * by, high * by)))
        });
        let taller = mapped(&points, |x, y| (x, y * times));
        prop_assert_eq!(bounds(theil_sen(&taller, 0.9)), scaled(times));
        let wider = mapped(&points, |x, y| (x * times, y));
        prop_assert_eq!(bounds(theil_sen(&wider, 0.9)), scaled(1.0 / times));
    }

    #[test]
    fn upside_down_is_the_other_way_round(points in cloud()) {
        let turned = mapped(&points, |x, y| (x, -y));
        let (here, there) = (theil_sen(&points, 0.9), theil_sen(&turned, 0.9));
        prop_assert_eq!(here.is_some(), there.is_some());
        if let (Some(here), Some(there)) = (here, there) {
            prop_assert!((here.estimate + there.estimate).abs() < 1e-9, "{here:?} and {there:?}");
            prop_assert_eq!(here.interval.is_some(), there.interval.is_some());
        }
    }

    #[test]
    fn the_estimate_is_within_and_more_confidence_is_wider(points in cloud()) {
        let (narrow, wide) = (theil_sen(&points, 0.8), theil_sen(&points, 0.95));
        if let (Some(narrow), Some(wide)) = (narrow, wide) {
            prop_assert!(narrow.interval.is_none_or(|it| it.contains(narrow.estimate)));
            if let (Some(narrow), Some(wide)) = (narrow.interval, wide.interval) {
                prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
            }
        }
    }

    #[test]
    fn a_steeper_cloud_has_a_steeper_slope(points in cloud(), by in 1_i32..40) {
        let steeper = mapped(&points, |x, y| (x, y + f64::from(by) * x));
        if let (Some(less), Some(more)) = (theil_sen(&points, 0.9), theil_sen(&steeper, 0.9)) {
            prop_assert!((more.estimate - less.estimate - f64::from(by)).abs() < 1e-9);
        }
    }

    #[test]
    fn the_order_of_the_points_is_no_matter(points in cloud(), seed in 0_u64..1_000) {
        let mut shuffled = points.clone();
        fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
        prop_assert_eq!(bounds(theil_sen(&points, 0.9)), bounds(theil_sen(&shuffled, 0.9)));
    }
}

/// A line of slope 1 with noise of which each value takes `alike` of the one before with it.
fn noisy(random: &mut fastrand::Rng, count: u32, alike: f64) -> Vec<(f64, f64)> {
    let mut noise = 0.0;
    let points = (0..count).map(|n| {
        let fresh = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        noise = alike * noise + fresh;
        (f64::from(n), f64::from(n) + noise)
    });
    points.collect()
}

/// How many of so many intervals hold the slope that is really there.
fn held(rounds: u32, alike: f64, interval: impl Fn(&Vec<(f64, f64)>) -> Option<Slope>) -> u32 {
    let mut random = fastrand::Rng::with_seed(7);
    let found = (0..rounds).map(|_| interval(&noisy(&mut random, 120, alike)).unwrap().interval.unwrap());
    found.filter(|interval| interval.contains(1.0)).count().try_into().unwrap()
}

#[test]
fn an_interval_holds_the_truth_as_often_as_it_says() {
    let plain = held(200, 0.0, |points| theil_sen(points, 0.95));
    assert!((182..=198).contains(&plain), "{plain} of 200");
    let careful = held(200, 0.0, |points| theil_sen_in_time(std::slice::from_ref(points), 0.95));
    assert!(careful >= 182, "{careful} of 200");
}

#[test]
fn neighbours_that_are_alike_make_it_wider() {
    let plain = held(200, 0.7, |points| theil_sen(points, 0.95));
    let careful = held(200, 0.7, |points| theil_sen_in_time(std::slice::from_ref(points), 0.95));
    assert!(plain < 150, "{plain} of 200: the plain interval is too narrow for this");
    assert!(careful >= 180, "{careful} of 200");
}

#[test]
fn drawn_pairs_say_nearly_what_all_pairs_say() {
    let mut random = fastrand::Rng::with_seed(9);
    let many = noisy(&mut random, u32::try_from(MOST_POINTS_PAIRED).unwrap() * 2, 0.0);
    let drawn = theil_sen(&many, 0.95).unwrap();
    assert_eq!(drawn, theil_sen(&many, 0.95).unwrap(), "the same points give the same answer");
    // All slopes at once, here only.
    let mut all: Vec<f64> = Vec::new();
    for (at, (x, y)) in many.iter().enumerate() {
        all.extend(many[..at].iter().map(|(other_x, other_y)| (y - other_y) / (x - other_x)));
    }
    let count = all.len();
    assert_eq!(drawn.pairs, count as u64);
    let n = many.len() as f64;
    let reach = 1.959_963_984_540_054 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let low = ((count as f64 - reach) / 2.0) as usize;
    let low = *all.select_nth_unstable_by(low, f64::total_cmp).1;
    let middle = *all.select_nth_unstable_by(count / 2, f64::total_cmp).1;
    let interval = drawn.interval.unwrap();
    let half = middle - low;
    assert!((drawn.estimate - middle).abs() < 0.1 * half, "{drawn:?}, and all pairs say {middle}");
    assert!(interval.low <= low && interval.low > low - 0.25 * half, "{drawn:?}, and all pairs say {low}");
}

#[test]
fn the_slope_of_ties_in_time_alone_is_none() {
    assert_eq!(theil_sen(&vec![(1.0, 1.0); 5_000], 0.95), None);
    assert_eq!(theil_sen(&[], 0.95), None);
    assert_eq!(theil_sen_in_time(&[], 0.95), None);
    assert_eq!(theil_sen_in_time(&[vec![(1.0, 2.0)], vec![(2.0, 3.0)]], 0.95), None);
}
