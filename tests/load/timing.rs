//! When requests are sent, and from when they are measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migrate::ports::{ErrorKind, LoadPlan, LoadResult};

use crate::server::{Asked, Reply, Server, answer, ok};

const ONE: &str = "[{name: a, requests: [{get: /}]}]";

/// Answers at once, but the first request after the start is held up.
async fn stalling(stall: Duration) -> Server {
    let is_first = AtomicBool::new(true);
    Server::start(move |_: &Asked| {
        let body = answer("200 OK", "", "");
        if is_first.swap(false, Ordering::Relaxed) { Reply::Late(stall, body) } else { Reply::Bytes(body) }
    })
    .await
}

fn slow(result: &LoadResult) -> u64 {
    let all = result.total().latency;
    all.recorded().filter(|(microseconds, _)| *microseconds > 1_000_000).map(|(_, count)| count).sum()
}

#[tokio::test]
async fn a_stall_cannot_hide_what_it_held_up() {
    // One user at 100 a second, and a stall of two seconds: some two hundred requests were due meanwhile, and half of
    // them were late by more than a second.
    let server = stalling(Duration::from_secs(2)).await;
    let open = server.run(ONE, &LoadPlan::open(1, 100.0, Duration::from_secs(3))).await.unwrap();
    assert!((50..=250).contains(&slow(&open)), "{} late", slow(&open));
    // The same with a closed load: one single request was slow. That is what coordinated omission is.
    let server = stalling(Duration::from_secs(2)).await;
    let journey = "[{name: a, requests: [{get: /, think: 10ms}]}]";
    let closed = server.run(journey, &LoadPlan::closed(1, Duration::from_secs(3))).await.unwrap();
    assert_eq!(slow(&closed), 1);
}

#[tokio::test]
async fn the_rate_is_kept_whatever_the_answers_do() {
    let server = Server::start(|_: &Asked| Reply::Late(Duration::from_millis(40), answer("200 OK", "", ""))).await;
    let result = server.run(ONE, &LoadPlan::open(30, 150.0, Duration::from_secs(1))).await.unwrap();
    let count = result.errors().of as f64;
    // 150 expected, and five standard deviations.
    assert!((count - 150.0).abs() < 5.0 * 12.3, "{count}");
    // The same seed is due at the same moments.
    let again = server.run(ONE, &LoadPlan::open(30, 150.0, Duration::from_secs(1))).await.unwrap();
    assert_eq!(again.errors().of, result.errors().of);
}

#[tokio::test]
async fn what_was_never_sent_is_counted_too() {
    let server = Server::start(|_: &Asked| Reply::Late(Duration::from_secs(60), Vec::new())).await;
    let plan = LoadPlan { timeout: Duration::from_millis(200), ..LoadPlan::open(1, 50.0, Duration::from_millis(500)) };
    let result = server.run(ONE, &plan).await.unwrap();
    let errors = result.total().errors;
    let (timeouts, unsent) = (errors[&ErrorKind::Timeout].count, errors[&ErrorKind::Unsent].count);
    assert!((2..=5).contains(&timeouts), "{timeouts}");
    assert!(unsent > 5, "{unsent}");
    assert_eq!(result.errors().hits, result.errors().of);
    assert!(result.elapsed < Duration::from_secs(3));
}

#[tokio::test]
async fn as_many_requests_are_under_way_as_the_plan_allows() {
    let late = |_: &Asked| Reply::Late(Duration::from_millis(40), answer("200 OK", "", ""));
    let asked = async |requests_at_once| {
        let server = Server::start(late).await;
        let plan = LoadPlan { requests_at_once, ..LoadPlan::closed(6, Duration::from_millis(400)) };
        server.run(ONE, &plan).await.unwrap().errors().of
    };
    // Ten answers follow one another in that time, and the six that were waiting at its end are still given.
    assert!((2..=16).contains(&asked(Some(1)).await));
    assert!(asked(None).await > 16);
}

#[tokio::test]
async fn a_fast_answer_is_not_slowed_by_the_timer() {
    let server = Server::start(|_: &Asked| ok("")).await;
    let result = server.run(ONE, &LoadPlan::open(5, 100.0, Duration::from_secs(1))).await.unwrap();
    // A millisecond's tick of the timer is this machine's, and kept apart.
    assert!(result.total().latency.percentile(50.0).unwrap() < Duration::from_millis(20));
    assert!(result.lag.count() > 30);
}

#[tokio::test]
async fn users_arrive_over_the_ramp() {
    let server = Server::start(|_: &Asked| ok("")).await;
    let journey = "[{name: a, requests: [{get: '/${user}', think: 1h}]}]";
    let plan = LoadPlan { ramp: Duration::from_millis(400), ..LoadPlan::closed(4, Duration::from_millis(250)) };
    server.run(journey, &plan).await.unwrap();
    // At 0, 100, 200 ms; the fourth would come at 300.
    let paths: Vec<String> = server.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/1", "/2", "/3"]);
}
