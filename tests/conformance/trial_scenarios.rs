//! The ways in which a release has to be found out before it serves anybody.

use migrate::core::FailureClass;
use migrate::ports::LiveTree;
use migrate::sim::World;

use super::releases::{HOST, application, tried};
use super::scenarios::Scenario;
use super::stage::Stage;

const KIND: &str = "release_trial";

fn fails_to_start(world: &World) {
    world.edit(|state| {
        state.hosts.get_mut(HOST).unwrap().gunicorn_fails = Some("ImportError: a bad release".into());
    });
}

pub fn scenarios() -> Vec<Scenario> {
    let test = |name, words| Scenario::new(KIND, name, FailureClass::Gate, words);
    vec![
        test("does not start", &["does not start on production-1: it ended right after its start", "a bad release"])
            .world(fails_to_start),
        test("500", &["GET /ping on production-1 answers 500 without a cookie"])
            .world(|world| tried(world, |sessions| sessions.fails = true)),
        test("500 with a cookie", &["answers 200 without a cookie and 500 with one"])
            .world(|world| tried(world, |sessions| sessions.fails_with_a_session = true)),
        test("a route is broken", &["`analyst/GET /frame` fails for user 9000002: not a DataFrame"]).world(|world| {
            tried(world, |sessions| drop(sessions.broken.insert("GET /frame".into(), "not a DataFrame".into())));
        }),
        // Whoever comes with the cookie of before is a stranger to it, and whoever is new is not.
        test("it does not know those of before", &["of 20 users opened on production-1", "20 not known any more"])
            .world(|world| tried(world, |sessions| sessions.cookie = "another".into())),
        test("other data", &["20 with other data than before"])
            .world(|world| application(world, migrate::sim::SimulatedSessions::alter_data)),
    ]
}

#[tokio::test]
async fn a_release_that_is_tried_is_asked_by_all_and_serves_nobody() {
    let mut stage = Stage::before(KIND).await;
    let service = |stage: &Stage| {
        stage.world.edit(|state| {
            let host = &state.hosts[HOST];
            (host.services.values().next().unwrap().clone(), host.releases.live.clone(), host.listening.clone())
        })
    };
    let before = service(&stage);
    assert_eq!(before.1, LiveTree::Original);
    let seen = stage.judged(KIND).await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    let words: Vec<&str> = seen.measurements.iter().map(|measured| measured.summary.as_str()).collect();
    for side in [
        "answers 200 without a cookie",
        "answers 200 with a cookie",
        "two users got what they expect",
        "all 20 users of production-1 are who they were, with the data they had (20 read from old)",
    ] {
        assert!(words.iter().any(|words| words.contains(side)), "{side}: {words:#?}");
    }
    assert_eq!(service(&stage), before, "the application that users have is as it was, and the port is free again");
}

#[tokio::test]
async fn a_bad_release_is_gone_when_it_has_been_found_out() {
    for change in [fails_to_start as fn(&World), |world| tried(world, |sessions| sessions.fails = true)] {
        let mut stage = Stage::before(KIND).await;
        change(&stage.world);
        assert!(stage.judged(KIND).await.unwrap().failure.is_some());
        stage.world.edit(|state| assert!(state.hosts[HOST].gunicorns.is_empty()));
    }
}
