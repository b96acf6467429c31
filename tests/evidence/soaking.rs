//! What a soak still has to earn, in words.

use std::time::Duration;

use migrate::core::Looked;
use migrate::core::rollout::Soak;
use migrate::evidence::{hours, summary, time_left, unearned};
use proptest::prelude::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn rules(text: &str) -> Soak {
    serde_yaml::from_str(text).expect("rules")
}

/// Minutes from a minute of the day on, of which so many seconds count each, with so many requests each.
fn minutes(from: u64, count: u64, counted: u64, requests: u64) -> Vec<Looked> {
    let look = |minute: u64| Looked { began: (minute * 60).cast_signed(), length: 60, counted, requests };
    (from..from + count).map(look).collect()
}

fn missing(rules: &Soak, windows: &[Looked]) -> Vec<String> {
    unearned(rules, rules.seconds(), windows).iter().map(ToString::to_string).collect()
}

#[test]
fn a_day_of_good_minutes_is_a_day() {
    let rules = rules("duration: 24h");
    let day = minutes(0, 1_440, 60, 5);
    assert_eq!(missing(&rules, &day), Vec::<String>::new());
    assert_eq!(missing(&rules, &day[1..]), ["23 h 59 min of 24 h observed"]);
    assert_eq!(time_left(&rules, DAY, &day[1..]), Duration::from_secs(60));
    assert_eq!(time_left(&rules, DAY, &day), Duration::ZERO);
    assert_eq!(missing(&rules, &[])[0], "0 s of 24 h observed");
    assert_eq!(time_left(&rules, DAY, &[]), Duration::from_secs(DAY));
}

#[test]
fn too_few_requests_are_not_enough_to_judge() {
    let rules = rules("{ duration: 24h, minimum_requests: 10000 }");
    assert_eq!(missing(&rules, &minutes(0, 1_440, 60, 6)), ["8640 of 10000 requests seen"]);
    assert_eq!(missing(&rules, &minutes(0, 1_440, 60, 7)), Vec::<String>::new());
    let quiet: Vec<Looked> = [minutes(0, 1_440, 60, 6), minutes(1_440, 60, 0, 1_000)].concat();
    assert!(
        missing(&rules, &quiet).contains(&"8640 of 10000 requests seen".to_owned()),
        "what was not observed is not seen"
    );
}

#[test]
fn a_busy_hour_has_to_come() {
    let rules = rules("{ duration: 24h, peak_hour_requests: 3000 }");
    let night = minutes(0, 1_440, 60, 40);
    assert_eq!(missing(&rules, &night), ["the busiest hour had 2400 requests, and one with 3000 has to be in it"]);
    let noon: Vec<Looked> = [minutes(0, 720, 60, 40), minutes(720, 60, 60, 50), minutes(780, 660, 60, 40)].concat();
    assert_eq!(missing(&rules, &noon), Vec::<String>::new());
    // Half of it in one hour of the clock and half in the next is no such hour.
    let across: Vec<Looked> = [minutes(0, 750, 60, 40), minutes(750, 60, 60, 50), minutes(810, 630, 60, 40)].concat();
    assert_eq!(missing(&rules, &across), ["the busiest hour had 2700 requests, and one with 3000 has to be in it"]);
}

#[test]
fn gaps_cost_coverage_and_what_is_long_ago_does_not_help() {
    let rules = rules("duration: 24h");
    let blind = |gap: u64| [minutes(0, 720, 60, 5), minutes(720, gap, 0, 0), minutes(720 + gap, 720, 60, 5)].concat();
    assert_eq!(missing(&rules, &blind(160)), Vec::<String>::new(), "1440 of 1600 are 90 %");
    assert_eq!(missing(&rules, &blind(161)), ["89 % of 26 h 41 min looked at counts, and 90 % has to"]);
    let left = time_left(&rules, DAY, &blind(161)).as_secs();
    assert!(left > 0 && left <= 600, "{left} s more of it are enough");
    // A whole day without sight: only the time after it counts in the end, but never more than a day of it.
    let mut long = blind(1_440);
    for minute in 0..720 {
        assert!(!missing(&rules, &long).is_empty() || minute > 500, "minute {minute}");
        long.extend(minutes(2_880 + minute, 1, 60, 5));
    }
    assert_eq!(missing(&rules, &long), Vec::<String>::new());
}

#[test]
fn what_was_seen_is_said() {
    let seen = [minutes(0, 60, 60, 5), minutes(60, 60, 0, 9), minutes(120, 60, 60, 7)].concat();
    assert_eq!(
        summary(&seen),
        "observed for 2 h in 180 windows, 66 % of the time looked at; 720 requests, 420 in the busiest hour"
    );
    let table = [(40, "40 s"), (60, "1 min"), (61, "1 min 1 s"), (3_600, "1 h"), (86_340, "23 h 59 min")];
    table.into_iter().for_each(|(seconds, words)| assert_eq!(hours(seconds), words));
}

#[test]
fn absurd_numbers_are_no_panic() {
    let huge = Looked { began: i64::MIN, length: u64::MAX, counted: u64::MAX, requests: u64::MAX };
    let rules = rules("{ duration: 24h, peak_hour_requests: 4294967295 }");
    assert_eq!(missing(&rules, &[huge, huge]), Vec::<String>::new());
    assert_eq!(time_left(&rules, u64::MAX, &[Looked { counted: 0, ..huge }]), Duration::from_secs(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn time_left_is_enough_when_nothing_else_goes_wrong(good in prop::collection::vec(any::<bool>(), 0..120)) {
        let rules = rules("duration: 1h");
        let mut windows: Vec<Looked> = Vec::new();
        for (minute, good) in good.into_iter().enumerate() {
            windows.extend(minutes(minute as u64, 1, if good { 60 } else { 0 }, 5));
        }
        let left = time_left(&rules, HOUR, &windows).as_secs();
        prop_assert_eq!(left == 0, missing(&rules, &windows).is_empty());
        // Windows are whole: it may take one or two more.
        let next = windows.len() as u64;
        let is_enough = (0..3).any(|spare| {
            let more = minutes(next, left.div_ceil(60) + spare, 60, 5);
            missing(&rules, &[windows.clone(), more].concat()).is_empty()
        });
        prop_assert!(is_enough);
    }
}
