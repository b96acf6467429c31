//! What SciPy says: the committed table was written by scipy_oracle.py.

use migrate::evidence::{Method, Proportion, rank_test, shift, theil_sen};
use serde_json::Value;

use crate::support::{agree, sample};

fn table() -> Value {
    serde_json::from_str(include_str!("scipy.json")).expect("the table is JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn every_probability_is_scipys() {
    let table = table();
    let cases = table["cases"].as_array().expect("cases");
    assert!(cases.len() >= 25);
    for case in cases {
        let (first, second) = (sample(&numbers(&case["first"])), sample(&numbers(&case["second"])));
        let Some(found) = rank_test(&first, &second) else {
            assert!(case["two-sided"].is_null(), "{}", case["name"]);
            continue;
        };
        let method = if case["exact"] == true { Method::Exact } else { Method::Normal };
        assert_eq!(found.method, method, "{}", case["name"]);
        assert_eq!(Some(found.wins), case["wins"].as_f64(), "{}", case["name"]);
        for (key, p) in [("two-sided", found.p_two_sided), ("greater", found.p_greater), ("less", found.p_less)] {
            let expected = case[key].as_f64().expect("a probability");
            assert!(agree(p, expected, 1e-9), "{}, {key}: {p}, and SciPy says {expected}", case["name"]);
        }
    }
}

#[test]
fn every_shift_is_the_one_among_all_differences() {
    for case in table()["cases"].as_array().expect("cases") {
        let (first, second) = (sample(&numbers(&case["first"])), sample(&numbers(&case["second"])));
        let found = shift(&first, &second, 0.95).map(|found| vec![found.low, found.estimate, found.high]);
        let expected = case["shift"].as_array().map(|_| numbers(&case["shift"]));
        match (&found, &expected) {
            (None, None) => {}
            (Some(found), Some(expected)) => {
                let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12);
                assert!(close, "{}: {found:?}, and NumPy says {expected:?}", case["name"]);
            }
            _ => panic!("{}: {found:?}, and NumPy says {expected:?}", case["name"]),
        }
    }
}

#[test]
fn every_share_is_scipys() {
    for row in table()["proportions"].as_array().expect("rows") {
        let whole = |key: &str| row[key].as_u64().expect("a count");
        let confidence = row["confidence"].as_f64().expect("a share");
        let found = Proportion::new(whole("hits"), whole("of")).interval(confidence).expect("some requests");
        for (bound, key) in [(found.low, "low"), (found.high, "high")] {
            assert!((bound - row[key].as_f64().expect("a share")).abs() < 1e-12, "{row}: {found:?}");
        }
    }
}

#[test]
fn every_slope_is_scipys() {
    let table = table();
    let rows = table["slopes"].as_array().expect("rows");
    assert!(rows.len() >= 30 && rows.iter().any(|row| row["low"].is_null() && !row["slope"].is_null()));
    for row in rows {
        let points: Vec<(f64, f64)> = numbers(&row["x"]).into_iter().zip(numbers(&row["y"])).collect();
        let Some(found) = theil_sen(&points, row["confidence"].as_f64().expect("a share")) else {
            assert!(row["slope"].is_null(), "{}", row["name"]);
            continue;
        };
        let close = |found: f64, key: &str| {
            let expected = row[key].as_f64();
            assert!(expected.is_some_and(|it| (found - it).abs() < 1e-12), "{}, {key}: {found}", row["name"]);
        };
        assert_eq!(Some(found.pairs), row["pairs"].as_u64(), "{}", row["name"]);
        close(found.estimate, "slope");
        match found.interval {
            Some(interval) => {
                close(interval.low, "low");
                close(interval.high, "high");
            }
            None => assert!(row["low"].is_null() && row["high"].is_null(), "{}: no interval", row["name"]),
        }
    }
}
