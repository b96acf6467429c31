//! What is counted, over many users.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use migrate::adapters::HttpLoad;
use migrate::core::FailureClass;
use migrate::ports::{AnsweredBy, ErrorKind, LoadGenerator, LoadObserver, LoadPlan, LoadResult, LoadSnapshot, Silent};

use crate::server::{Asked, Reply, Server, answer, ok, parse};

const SHORT: Duration = Duration::from_secs(1);

/// Gives every newcomer a cookie of their own, and takes people for who their cookie says.
fn application(asked: &Asked) -> Reply {
    match asked.path.strip_prefix("/login/") {
        Some(user) => Reply::Bytes(answer("200 OK", &format!("Set-Cookie: user={user}; Path=/\r\n"), "")),
        None => ok(&format!("{{\"user\":\"{}\"}}", asked.header("cookie").unwrap_or("user=").replace("user=", ""))),
    }
}

const JOURNEY: &str = "[{name: member, requests: [
    {get: '/login/${user}'},
    {name: who, get: /who, extract: {identity: {json: /user}}, expect: {json: {/user: '${user}'}}}]}]";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_user_has_cookies_and_a_connection_of_their_own() {
    let server = Server::start(application).await;
    let plan = LoadPlan { first_user: 101, ..LoadPlan::closed(20, SHORT) };
    let result = server.run(JOURNEY, &plan).await.unwrap();
    assert_eq!(result.errors().hits, 0, "{:?}", result.total().errors);
    assert_eq!(result.connections, 20);
    assert_eq!(result.identities.len(), 20);
    assert!(result.identities.iter().all(|(user, names)| *names == BTreeSet::from([user.to_string()])));
    assert!(result.identities.contains_key(&101) && result.identities.contains_key(&120));
    let (logins, who) = (&result.requests["member/GET /login/${user}"], &result.requests["member/who"]);
    assert!(who.latency.count() > 20 && logins.latency.count() - who.latency.count() <= 20);
    assert_eq!(server.asked().len() as u64, result.errors().of);
    assert_eq!(who.latency.count(), result.journeys_completed);
}

#[tokio::test]
async fn who_answered_is_counted_and_who_is_meant_is_noted_even_when_it_is_not_expected() {
    // Every third answer is about somebody else, and every second one is another worker's; some name none.
    let counted = std::sync::atomic::AtomicU32::new(0);
    let server = Server::start(move |asked: &Asked| {
        let number = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let user = if number.is_multiple_of(3) { "somebody else" } else { asked.path.trim_start_matches("/who/") };
        let body = format!("{{\"user\":\"{user}\"}}");
        let worker = match number % 4 {
            0 | 2 => "X-Migrate-Sessions: pid=71; read=redis; wrote=both\r\n",
            1 => "X-Migrate-Sessions: pid=72; read=redis; wrote=both\r\n",
            _ => "",
        };
        Reply::Bytes(answer("200 OK", worker, &body))
    })
    .await;
    let journeys = "[{name: a, requests: [{get: '/who/${user}', extract: {identity: {json: /user}},
        expect: {json: {/user: '${user}'}}}]}]";
    let plan = LoadPlan { answered_by: Some(AnsweredBy::BRIDGE), ..LoadPlan::closed(2, SHORT) };
    let result = server.run(journeys, &plan).await.unwrap();
    let all = result.errors().of;
    let (first, second) = (result.answered[&71], result.answered[&72]);
    assert!(result.answered.len() == 2 && first.abs_diff(all / 2) < 2 && second.abs_diff(all / 4) < 2, "{result:?}");
    assert!(result.total().errors.contains_key(&ErrorKind::Expectation));
    assert_eq!(result.mixed_up().count(), 2, "{:?}", result.identities);
    let unasked = server.run(journeys, &LoadPlan::closed(2, SHORT)).await.unwrap();
    assert!(unasked.answered.is_empty());
}

#[tokio::test]
async fn weights_decide_how_often() {
    let server = Server::start(|_: &Asked| ok("")).await;
    let journeys = "[{name: rare, requests: [{get: /r}]}, {name: often, weight: 9, requests: [{get: /o}]}]";
    let result = server.run(journeys, &LoadPlan::closed(4, SHORT)).await.unwrap();
    let count = |name: &str| result.requests[name].latency.count() as f64;
    let (rare, often) = (count("rare/GET /r"), count("often/GET /o"));
    assert!(rare > 5.0 && (4.0..20.0).contains(&(often / rare)), "{often} to {rare}");
}

struct News(Mutex<Vec<LoadSnapshot>>);

impl LoadObserver for News {
    fn snapshot(&self, snapshot: LoadSnapshot) {
        self.0.lock().unwrap().push(snapshot);
    }
}

#[tokio::test]
async fn there_is_news_once_a_second() {
    let server = Server::start(|_: &Asked| ok("")).await;
    let news = News(Mutex::new(Vec::new()));
    let journeys = parse("[{name: a, requests: [{get: /, think: 10ms}]}]");
    let plan = LoadPlan::closed(3, Duration::from_millis(2_500));
    let result = HttpLoad::direct().run(&server.target(), &journeys, &plan, &news).await.unwrap();
    let news = news.0.into_inner().unwrap();
    assert_eq!(news.len(), 2);
    assert!(news[0].requests > 0 && news[0].requests < news[1].requests && news[1].requests <= result.errors().of);
    assert_eq!(news[0].requests + news[1].recent, news[1].requests);
    assert!(news[1].recent_p50 <= news[1].recent_p99 && news[1].recent_p50.is_some());
}

#[tokio::test]
async fn dropping_it_ends_every_user() {
    let server = Server::start(|_: &Asked| ok("")).await;
    let (target, journeys) = (server.target(), parse("[{name: a, requests: [{get: /, think: 5ms}]}]"));
    let plan = LoadPlan::closed(10, Duration::from_secs(600));
    let generator = HttpLoad::direct();
    let run = generator.run(&target, &journeys, &plan, &Silent);
    assert!(tokio::time::timeout(SHORT, run).await.is_err());
    // A user who goes on keeps a connection, or opens another.
    server.until_all_have_left().await;
    assert!(!server.asked().is_empty());
}

#[tokio::test]
async fn results_add_up_and_are_kept() {
    let server = Server::start(application).await;
    let plan = LoadPlan::closed(3, SHORT);
    let first = server.run(JOURNEY, &plan).await.unwrap();
    let second = server.run(JOURNEY, &LoadPlan { first_user: 50, ..plan }).await.unwrap();
    let mut both = first.clone();
    both.merge(&second);
    assert_eq!(both.errors().of, first.errors().of + second.errors().of);
    assert_eq!(both.identities.len(), 6);
    assert_eq!(both.arm().latencies.count(), both.errors().of);
    let text = serde_json::to_string(&both).unwrap();
    let back: LoadResult = serde_json::from_str(&text).unwrap();
    assert_eq!(back.total().latency.sample(), both.total().latency.sample());
    assert_eq!(back.identities, both.identities);
}

#[tokio::test]
async fn what_cannot_be_sent_is_no_load() {
    let server = Server::start(|_: &Asked| ok("")).await;
    for journeys in ["[]", "[{name: a, requests: [{name: nothing}]}]", "[{name: a, requests: [{get: '/${'}]}]"] {
        let failure = server.run(journeys, &LoadPlan::closed(1, SHORT)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Permanent);
        assert!(failure.hint.is_some());
    }
    assert!(server.asked().is_empty());
}
