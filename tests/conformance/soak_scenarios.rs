//! The ways in which one window of a production soak has to fail.

use migrate::core::rollout::Rollout;
use migrate::core::{Facts, FailureClass};
use migrate::ports::{Clock, LiveTree, ProcessFacts, TargetHealth};
use migrate::sim::{Host, SimulatedApplication, SimulatedBridge, SimulatedWorkers, World};

use super::scenarios::Scenario;
use super::stage::Stage;

const HOST: &str = "chatmrpt-production-1";
const OTHER: &str = "chatmrpt-production-2";

/// What is to be seen of a switched target's workers and of its bridge, which counts our own requests, too.
pub fn watched(world: &World, rollout: &Rollout) {
    let now = world.elapsed();
    world.edit(|state| {
        for name in [HOST, OTHER] {
            let workers = SimulatedWorkers { since: now, ..SimulatedWorkers::default() };
            state.hosts.get_mut(name).unwrap().workers.insert(rollout.application.unit.clone(), workers);
        }
        let mut bridge = SimulatedBridge::with(600);
        bridge.count(now);
        state.hosts.get_mut(HOST).unwrap().bridge = Some(bridge);
    });
}

fn host(world: &World, change: impl FnOnce(&mut Host)) {
    world.edit(|state| change(state.hosts.get_mut(HOST).unwrap()));
}

fn application(world: &World, change: impl FnOnce(&mut SimulatedApplication)) {
    world.edit(|state| change(state.applications.get_mut("chatmrpt-production-1 127.0.0.1:8080").unwrap()));
}

fn health(world: &World, health: TargetHealth) {
    world.edit(|state| state.cloud.target_groups.values_mut().next().unwrap().targets[0].health = health);
}

pub fn scenarios() -> Vec<Scenario> {
    use FailureClass::Gate;
    let test = |name, class, words| Scenario::new("production_soak", name, class, words);
    vec![
        test("four times as slow", Gate, &["times as long as on production-2 in this window"])
            .world(|world| application(world, |it| it.median *= 4)),
        test("errors", Gate, &["production-1, our users: ", "requests failed in this window; the ceiling is 1%"])
            .world(|world| application(world, |it| it.error_share = 0.4)),
        test("a stranger is registered", Gate, &["i-stranger is registered with", "is not a target in rollout.yaml"])
            .world(|world| {
                world.edit(|state| {
                    let group = state.cloud.target_groups.values_mut().next().unwrap();
                    let mut stranger = group.targets[0].clone();
                    stranger.id = "i-stranger".into();
                    group.targets.push(stranger);
                });
            }),
        test("not registered", Gate, &["it is not registered with"]).world(|world| {
            world.edit(|state| state.cloud.target_groups.values_mut().for_each(|group| group.targets.clear()));
        }),
        test("nobody is sent to it", Gate, &["sends it no users: Target.NotInUse"])
            .world(|world| health(world, TargetHealth::Idle("Target.NotInUse".into()))),
        test("a second master", Gate, &["another master of the same service runs beside 20004: 77"]).world(|world| {
            host(world, |host| {
                host.releases.beside.push(ProcessFacts { pid: 77, started_ticks: 1 });
            });
        }),
        test("another tree runs than is live", Gate, &["the release was changed by hand: the original runs"]).world(
            |world| {
                host(world, |host| host.releases.runs = LiveTree::Original);
            },
        ),
    ]
}

#[tokio::test]
async fn a_release_that_nobody_named_cannot_be_soaked() {
    let mut stage = Stage::before("production_soak").await;
    stage.facts = stage
        .facts
        .iter()
        .filter(|(name, _)| name.as_str() != "release.name")
        .fold(Facts::new(), |facts, (name, value)| facts.with(name.as_str(), value.clone()));
    let failure = stage.observe("production_soak").await.unwrap_err();
    assert!(failure.hint.is_some() && failure.message.contains("no fact says which release"), "{failure}");
}

#[tokio::test]
async fn the_last_target_is_compared_with_one_that_was_soaked() {
    let stage = Stage::before("production_soak").await;
    stage.world.edit(|state| {
        let switched = state.hosts[HOST].releases.clone();
        state.hosts.get_mut(OTHER).unwrap().releases = switched;
    });
    let seen = stage.observe("production_soak").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    let users = seen.measurements.iter().find(|one| one.summary.contains("our users: ")).unwrap();
    assert!(users.summary.contains("beside production-2 ("), "{}", users.summary);
}

#[tokio::test]
async fn a_window_takes_as_long_as_it_has_to_and_changes_nothing() {
    let stage = Stage::before("production_soak").await;
    let (began, writes) = (stage.world.elapsed(), stage.world.writes());
    let watched = stage.watch("production_soak", std::time::Duration::from_secs(60)).await.unwrap();
    let took = stage.world.elapsed().saturating_sub(began).as_secs_f64();
    assert!((60.0..61.0).contains(&took), "{took} s");
    assert!(watched.seconds == 60 && watched.requests > 200, "{watched:?}");
    assert_eq!(stage.world.writes(), writes);
    assert!(!format!("{watched:?}").contains(&stage.token()));
}

#[tokio::test]
async fn users_of_ours_who_were_there_before_are_no_users() {
    let stage = Stage::before("production_soak").await;
    let before = stage.world.calls("browser.request");
    let watched = stage.watch("production_soak", std::time::Duration::from_secs(60)).await.unwrap();
    let asked = u64::from(stage.world.calls("browser.request") - before);
    // The bridge has counted 600 in all.
    assert!(asked >= 100 && watched.requests > 200, "{asked}, {watched:?}");
    assert!(watched.requests + asked <= 600, "{asked} were not taken off: {watched:?}");
}

#[tokio::test]
async fn without_journeys_nothing_is_said() {
    let mut stage = Stage::before("production_soak").await;
    let mut rollout = super::site::rollout();
    rollout.journeys.clear();
    stage.plan = super::site::plan(rollout);
    let failure = stage.observe("production_soak").await.unwrap().failure.unwrap();
    assert_eq!(failure.class, FailureClass::Inconclusive, "{failure}");
    assert!(failure.message.contains("none of our users' requests was made"), "{failure}");
}
