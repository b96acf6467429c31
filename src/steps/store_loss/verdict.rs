//! What a store-loss drill amounts to.

use std::time::Duration;

use serde_json::json;

use super::drill::Settings;
use super::watch::DrillObservations;
use crate::core::{Measurement, Verdict};
use crate::ports::{LoadResult, Reachability};
use crate::steps::measure::measurement;
use crate::steps::site::staying_users::UserObservations;

/// The minimum number of requests for a 99th percentile.
const MIN_REQUESTS: u64 = 50;

/// The measurements: whether the path was cut, who met with what meanwhile, and whether everything came back.
pub fn judge(found: &DrillObservations, settings: &Settings, resource: &str) -> Vec<Measurement> {
    if let Some(flaw) = &found.flaw {
        return vec![measurement(Verdict::Inconclusive, resource, flaw.clone(), json!({ "seen": found }))];
    }
    let mut measurements = vec![
        was_cut(found, resource),
        met_with("users from before the cut", &found.during, settings.slowest_p99.get(), resource),
        met_with("users who signed in during the cut", &found.newcomers, settings.slowest_p99.get(), resource),
    ];
    measurements.extend(found.load.as_ref().map(|load| under_load(load, settings.slowest_p99.get(), resource)));
    measurements.push(recovery(found, settings, resource));
    measurements.push(kept(found, resource));
    measurements
}

/// Whether it was the copy's path to its store that was cut. That nobody answered staging is known here already.
fn was_cut(found: &DrillObservations, resource: &str) -> Measurement {
    let times = |store: &str| found.during.read.get(store).copied().unwrap_or(0);
    let (old, store) = (times("old"), times("redis"));
    // The last round may have been answered after the path was whole again.
    let one_round = u64::try_from(found.from_before).unwrap_or(u64::MAX);
    let (verdict, words) = if store > one_round || (store > 0 && old == 0) {
        let words = format!(
            "while the path was cut the copy read {store} times from `redis` all the same: it uses another store, or \
             another way"
        );
        (Verdict::Inconclusive, words)
    } else {
        let words =
            format!("the path to the store was cut for {}: a connection attempt got no answer", seconds(found.cut_ms));
        (Verdict::Pass, words)
    };
    measurement(verdict, resource, words, json!({ "cut_ms": found.cut_ms, "read": found.during.read }))
}

/// Requests with a session's cookie while the store was away.
fn met_with(who: &str, seen: &UserObservations, ceiling: Duration, resource: &str) -> Measurement {
    let slowest = Duration::from_millis(seen.slowest_ms);
    let (verdict, words) = if seen.asked == 0 {
        (Verdict::Inconclusive, format!("{who}: no user was checked"))
    } else if seen.bad() > 0 {
        let words = format!(
            "{who}: {} of {} requests went wrong without the store, {} of them with a status of 500 and above: {}",
            seen.bad(),
            seen.asked,
            seen.server_errors,
            seen.examples.join("; ")
        );
        (Verdict::Abort, words)
    } else if slowest > ceiling {
        (Verdict::Hold, format!("{who}: without the store an answer took {slowest:?}, over {ceiling:?}"))
    } else {
        (
            Verdict::Pass,
            format!("{who}: {} requests without the store, none went wrong, the slowest took {slowest:?}", seen.asked),
        )
    };
    measurement(verdict, resource, words, json!({ "who": who, "seen": seen }))
}

/// The load while the store was away.
fn under_load(load: &LoadResult, ceiling: Duration, resource: &str) -> Measurement {
    let (errors, total) = (load.errors(), load.total());
    let p99 = total.latency.percentile(99.0);
    let mixed_up = load.mixed_up().count();
    let (verdict, words) = if errors.hits > 0 || mixed_up > 0 {
        let kinds: Vec<String> = total
            .errors
            .iter()
            .map(|(kind, tally)| {
                let example = tally.examples.first().map_or("", String::as_str);
                format!("{kind} {} times ({example})", tally.count)
            })
            .collect();
        let words = format!(
            "under load without the store {} of {} requests failed, and {mixed_up} users were served another user's identity: {}",
            errors.hits,
            errors.of,
            kinds.join("; ")
        );
        (Verdict::Abort, words)
    } else if let Some(p99) = p99.filter(|p99| *p99 > ceiling) {
        let words =
            format!("without the store answers were too slow: the 99th percentile is {p99:?}, over {ceiling:?}");
        (Verdict::Hold, words)
    } else if errors.of < MIN_REQUESTS {
        let words = format!(
            "{} requests under load say nothing about a 99th percentile: set `load_users:` or `lasts:` of this step higher",
            errors.of
        );
        (Verdict::Inconclusive, words)
    } else {
        match p99 {
            Some(p99) => (
                Verdict::Pass,
                format!("under load without the store {} requests, none failed, 99th percentile {p99:?}", errors.of),
            ),
            None => (Verdict::Inconclusive, "nothing was measured under load".to_owned()),
        }
    };
    let statuses = &total.statuses;
    let numbers = json!({
        "requests": errors.of, "failed": errors.hits, "statuses": statuses,
        "p99_ms": p99.map(|p99| p99.as_secs_f64() * 1_000.0), "ceiling_ms": ceiling.as_secs_f64() * 1_000.0,
    });
    measurement(verdict, resource, words, numbers)
}

fn recovery(found: &DrillObservations, settings: &Settings, resource: &str) -> Measurement {
    let numbers =
        json!({ "recovered_ms": found.recovered_ms, "reach": found.reach_afterwards, "read": found.meanwhile.read });
    let (verdict, words) = match (found.reach_afterwards, found.recovered_ms) {
        (Some(Reachability::Open), Some(after)) => {
            (Verdict::Pass, format!("{} after the path was whole, the copy read from the store again", seconds(after)))
        }
        (Some(Reachability::Open), None) => (
            Verdict::Abort,
            format!("{} after the path was whole, the copy still did not read from the store", settings.recovery),
        ),
        (met, _) => (
            Verdict::Inconclusive,
            format!("the store cannot be reached from staging after the drill (a connection attempt met `{met:?}`)"),
        ),
    };
    measurement(verdict, resource, words, numbers)
}

/// Who was still known over both edges of the cut.
fn kept(found: &DrillObservations, resource: &str) -> Measurement {
    let bad = found.meanwhile.bad() + found.at_last.bad();
    let examples: Vec<&str> =
        found.meanwhile.examples.iter().chain(&found.at_last.examples).map(String::as_str).collect();
    let numbers = json!({
        "from_before": found.from_before, "from_during": found.from_during,
        "meanwhile": found.meanwhile, "at_last": found.at_last,
    });
    let (verdict, words) = if bad > 0 {
        (
            Verdict::Abort,
            format!("after the cut {bad} requests of users who had signed in went wrong: {}", examples.join("; ")),
        )
    } else if found.from_before == 0 || found.from_during == 0 {
        (Verdict::Inconclusive, "no user had signed in before the cut, or none during it".to_owned())
    } else {
        let words = format!(
            "no session was lost: {} users from before the cut and {} from during it are known afterwards",
            found.from_before, found.from_during
        );
        (Verdict::Pass, words)
    };
    measurement(verdict, resource, words, numbers)
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", Duration::from_millis(milliseconds).as_secs_f64())
}
