//! The ways in which phase 3 has to fail, and those in which it must not.

use std::time::Duration;

use migrate::core::rollout::Rollout;
use migrate::core::{FactName, FactValue, Facts, FailureClass};
use migrate::ports::ErrorKind;
use migrate::sim::{SimulatedWorkers, World};

use super::comparison_scenarios::{COPY, application};
use super::copy_scenarios::copy;
use super::scenarios::Scenario;
use super::stage::Stage;

const PID_FILE: &str = "/home/ec2-user/ChatMRPT-redis-test/.migrate/gunicorn.pid";

/// Changes how the copy's workers look to whoever watches them.
fn workers(world: &World, change: impl FnOnce(&mut SimulatedWorkers)) {
    world.edit(|state| {
        let host = state.hosts.get_mut("18.117.115.217").unwrap();
        change(host.workers.entry(PID_FILE.to_owned()).or_default());
    });
}

fn short(rollout: &mut Rollout) {
    rollout.load.duration = Duration::from_secs(20).into();
}

pub fn scenarios() -> Vec<Scenario> {
    let mut all = ramp();
    all.extend(pairs());
    all.extend(leaks());
    all.extend(recommendations());
    all
}

fn ramp() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("worker_ramp", name, class, words);
    vec![
        test("crashes under concurrency", Gate, &["2 workers: ", "a signal ended", "the load was taken off"])
            .world(|world| workers(world, |copy| copy.lives = Some(Duration::from_secs(40)))),
        test("times out", Gate, &["2 workers: ", "workers silent (WORKER TIMEOUT)"]).world(|world| {
            workers(world, |copy| {
                copy.lives = Some(Duration::from_secs(200));
                copy.is_silent = true;
            });
        }),
        test("no answer in time", Gate, &["the load was taken off", "requests failed", "(mostly: no answer in time)"])
            .world(|world| {
                application(world, COPY, |copy| {
                    copy.error_share = 0.3;
                    copy.error = ErrorKind::Timeout;
                });
            }),
        test("sessions bleed", Gate, &["users were mixed up: user", "another user"])
            .world(|world| application(world, COPY, |copy| copy.mixed_up_share = 0.01)),
        test("everybody is the same", Gate, &["users share an identity: 50 users were `everybody`"])
            .world(|world| application(world, COPY, |copy| copy.is_one_for_all = true)),
        test("too many errors", Gate, &["2 workers: ", "requests failed; the ceiling is 1%", "as scripted"])
            .world(|world| application(world, COPY, |copy| copy.error_share = 0.03)),
        test("swaps", Gate, &["the load was taken off", "were swapped out"])
            .world(|world| workers(world, |copy| copy.swaps = 100 << 30)),
        test("out of memory", Gate, &["the load was taken off", "of memory were left"])
            .world(|world| workers(world, |copy| copy.available_bytes = 50 << 20)),
        test("critical load", Gate, &["the load was taken off", "the processors are"])
            .world(|world| workers(world, |copy| copy.cpu = 1.2)),
        test("max load at the first count", Gate, &["2 workers: ", "the processors are 95.00 % busy"])
            .world(|world| workers(world, |copy| copy.cpu = 0.95)),
        test("a user who stays is lost", Gate, &["users who stayed were not who they had been", "who are you"]).world(
            |world| {
                copy(world, |sessions| {
                    sessions.broken.insert("GET /whoami".into(), "who are you?".into());
                });
            },
        ),
        test("nothing restarts", Gate, &["no new workers answered within 60 s"])
            .world(|world| copy(world, |sessions| sessions.restarts = false)),
        test("a worker that never answers", Inconclusive, &["not every one of 2 workers answered 5 requests: worker "])
            .world(|world| copy(world, |sessions| sessions.workers = Some(1))),
        test("nobody says who answered", Inconclusive, &["no answer names its worker"])
            .world(|world| copy(world, |sessions| sessions.names_workers = false)),
        test("fewer workers than asked for", Gate, &["2 workers were asked for, and 1 run"]).world(|world| {
            world.edit(|state| {
                let host = state.hosts.get_mut("18.117.115.217").unwrap();
                host.gunicorns.values_mut().for_each(|copy| copy.workers.truncate(1));
            });
        }),
        test("the store forgets", Gate, &["the store evicted 7 keys"]).world(|world| {
            world.edit(|state| state.stores.values_mut().for_each(|store| store.evicts_each_time = 7));
        }),
        test("too little", Inconclusive, &["too few to be sure that it is no more than 1%"]).rollout(short),
        test("users learn no identity", Inconclusive, &["of 50 users learnt whom they are taken for"]).rollout(
            |rollout| {
                rollout.journeys[0].weight = 1;
                let mut silent = rollout.journeys[0].clone();
                silent.name = "silent".parse().unwrap();
                silent.weight = 1000;
                silent.requests.retain(|request| request.extract.is_empty());
                rollout.journeys.push(silent);
            },
        ),
    ]
}

fn pairs() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("cross_worker_state", name, class, words);
    let lost = |world: &World| {
        copy(world, |sessions| {
            sessions.kept_per_worker.insert("/counter".into(), "/count is 0, expected 1".into());
        });
    };
    vec![
        test(
            "state kept per worker",
            Gate,
            &[
                "`GET /counter` after `POST /counter` (messages) was right",
                "wrong whenever another worker answers: its state is kept per worker",
                "/count is 0, expected 1",
            ],
        )
        .world(lost),
        test("no worker remembers", Gate, &["even in the worker that wrote it"]).world(|world| {
            copy(world, |sessions| {
                sessions.broken.insert("GET /counter".into(), "/count is 0".into());
            });
        }),
        test("one worker runs", Inconclusive, &["the copy runs with 1 workers"]).world(|world| {
            world.edit(|state| {
                let gunicorns = state.hosts.values_mut().flat_map(|host| host.gunicorns.values_mut());
                gunicorns.for_each(|copy| copy.workers.truncate(1));
            });
        }),
        test("one worker answers", Inconclusive, &["ordered pairs of workers were seen too seldom", "1 of 4 workers"])
            .world(|world| copy(world, |sessions| sessions.workers = Some(1))),
        test("nobody says who answered", Inconclusive, &["answers that name no worker"])
            .world(|world| copy(world, |sessions| sessions.names_workers = false)),
        test("nobody can sign in", Inconclusive, &["refused", "POST /login: no route"]).world(|world| {
            copy(world, |sessions| {
                sessions.broken.insert("POST /login".into(), "no route".into());
            });
        }),
        test("no pairs", Inconclusive, &["declares no `shared_state`, and no journey"]).rollout(|rollout| {
            rollout.shared_state.clear();
            rollout.journeys.iter_mut().for_each(|journey| {
                journey.requests.retain(|request| !request.title().contains("messages so far"));
            });
        }),
    ]
}

fn leaks() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("memory_leak_test", name, class, words);
    vec![
        test("leaks", Gate, &["grows by", "a worker's headroom of", "lasts", "168 h are needed"])
            .world(|world| workers(world, |copy| copy.grows = 500 << 20)),
        test("a crash meanwhile", Gate, &["before anything could be said about leaks", "a signal ended"])
            .world(|world| workers(world, |copy| copy.lives = Some(Duration::from_secs(100)))),
        test("too few requests", Inconclusive, &["requests were answered; 1000000 are needed"])
            .rollout(|rollout| rollout.leak.minimum_requests = 1_000_000),
        test("nobody can tell", Inconclusive, &["a worker's headroom of", "may last only", "more are needed"])
            .world(|world| workers(world, |copy| (copy.noise, copy.draw) = (100 << 20, Some(3)))),
    ]
}

/// The results of a ramp over one count.
fn results(facts: &mut Facts, change: impl FnOnce(&mut serde_json::Value)) {
    let Some(FactValue::Text(text)) = facts.get(&FactName::new("ramp.results")) else { panic!("no results") };
    let mut results = serde_json::from_str(text).unwrap();
    change(&mut results);
    *facts = std::mem::take(facts).with("ramp.results", results.to_string());
}

fn recommendations() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("worker_recommendation", name, class, words);
    vec![
        test("nothing was measured", Inconclusive, &["nothing was measured"])
            .facts(|facts| results(facts, |results| results["counts"] = serde_json::json!([]))),
        test("no count fits", Gate, &["2 workers hold", "and there is room for 1 MiB"])
            .facts(|facts| results(facts, |results| results["counts"][0]["room_bytes"] = (1 << 20).into())),
        test("errors", Gate, &["900 of 1000 requests failed with 2 workers; the ceiling is 1.00 %"]).facts(|facts| {
            results(facts, |results| {
                results["counts"][0]["run"]["errors"] = serde_json::json!({ "hits": 900, "of": 1000 });
            });
        }),
    ]
}

#[tokio::test]
async fn without_journeys_nothing_is_said() {
    for kind in ["worker_ramp", "memory_leak_test"] {
        let mut stage = Stage::before(kind).await;
        let mut rollout = super::site::rollout();
        rollout.journeys.clear();
        stage.plan = super::site::plan(rollout);
        let failure = stage.judged(kind).await.unwrap().failure.unwrap();
        assert_eq!(failure.class, FailureClass::Inconclusive, "{failure}");
        assert!(failure.message.contains("declares no `journeys`"), "{failure}");
    }
}

#[tokio::test]
async fn what_is_only_wrong_under_load_is_not_forgotten() {
    let mut stage = Stage::before("cross_worker_state").await;
    results(&mut stage.facts, |results| {
        results["counts"][1]["set_aside"] = serde_json::json!({ "hits": 90, "of": 1000 });
    });
    let failure = stage.observe("cross_worker_state").await.unwrap().failure.unwrap();
    assert!(failure.message.contains("under load with 3 workers 90 of 1000 reads"), "{failure}");
}

#[tokio::test]
async fn results_that_are_not_there_are_no_recommendation() {
    let mut stage = Stage::before("worker_recommendation").await;
    stage.facts = Facts::new();
    let failure = stage.observe("worker_recommendation").await.unwrap_err();
    assert!(failure.hint.is_some() && failure.message.contains("no results of a worker ramp"), "{failure}");
}

#[tokio::test]
async fn the_knee_is_where_a_further_worker_gains_nothing() {
    let mut rollout = super::site::rollout();
    // Without time to think the answers decide.
    rollout.journeys.iter_mut().flat_map(|journey| &mut journey.requests).for_each(|request| request.think = None);
    rollout.load.duration = Duration::from_secs(60).into();
    let mut stage = Stage::before_in(super::site::plan(rollout), "worker_ramp").await;
    application(&stage.world, COPY, |copy| copy.gains_by_worker = vec![0.3, 0.3, 0.0]);
    let seen = stage.judged("worker_ramp").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    stage.facts.extend(&seen.facts);
    let seen = stage.observe("worker_recommendation").await.unwrap();
    assert_eq!(seen.facts.get(&FactName::new("workers.recommended")), Some(&FactValue::Text("3".into())), "{seen:#?}");
    assert!(seen.measurements[0].summary.contains("4 workers answer"), "{}", seen.measurements[0].summary);
}

#[tokio::test]
async fn a_ramp_that_has_to_stop_keeps_what_was_good() {
    let mut stage = Stage::before("worker_ramp").await;
    // Two fit, three do not.
    workers(&stage.world, |copy| copy.cpu = 0.62);
    let seen = stage.judged("worker_ramp").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    assert_eq!(seen.facts.get(&FactName::new("ramp.workers")), Some(&FactValue::Text("2".into())));
    let last = seen.measurements.last().unwrap();
    assert!(last.summary.contains("the ramp ends here, and 2 workers are the last good count"), "{}", last.summary);
}
