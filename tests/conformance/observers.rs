//! Kinds that look: they see the same twice, change nothing, keep no secret, and say what is wrong.

use migrate::core::{Contract, Failure, Plan};
use migrate::sim::{State, World};
use migrate::steps::{Step, build};

use super::site;
use super::stage::Stage;

fn kinds() -> Vec<(String, Contract)> {
    let plan: Plan = site::plan(site::rollout());
    let observers = plan.steps().iter().filter(|planned| matches!(build(planned).unwrap(), Step::Observe(_)));
    observers.map(|planned| (planned.kind.to_string(), planned.contract)).collect()
}

#[tokio::test]
async fn see_the_same_twice_and_change_nothing() {
    for (kind, contract) in kinds() {
        let stage = Stage::before(&kind).await;
        let writes = stage.world.writes();
        // Sessions that are opened on the copy or on a release are in its key space, and go with it.
        let is_ours = |key: &&String| !key.starts_with("chatmrpt-sessions:");
        let count = |store: &migrate::sim::CacheServer| store.keys.keys().filter(is_ours).count();
        let keys = |state: &mut State| state.stores.values().map(count).sum::<usize>();
        let before = stage.world.edit(keys);
        let first = stage.observe(&kind).await.unwrap();
        let second = stage.observe(&kind).await.unwrap();
        assert_eq!(first.facts, second.facts, "{kind}");
        assert_eq!(stage.world.writes(), writes, "{kind} wrote something");
        assert_eq!(stage.world.edit(keys), before, "{kind} left a key in the store");
        let shown = format!("{first:?}");
        assert!(!shown.contains(&stage.token()), "{kind} shows the token");

        // In a healthy world everything passes.
        assert!(first.failure.is_none(), "{kind}: {:?}", first.failure);
        assert!(!first.measurements.is_empty(), "{kind} ({contract:?}) measured nothing");
        for measurement in &first.measurements {
            assert!(measurement.verdict.passes(), "{kind}: {}", measurement.summary);
        }
    }
}

#[tokio::test]
async fn provide_what_they_declare() {
    let plan = site::plan(site::rollout());
    for (kind, _) in kinds() {
        let stage = Stage::before(&kind).await;
        let seen = stage.observe(&kind).await.unwrap();
        let provided: Vec<String> = seen.facts.iter().map(|(name, _)| name.to_string()).collect();
        let mut declared: Vec<String> = site::step_of(&plan, &kind).provides.iter().map(ToString::to_string).collect();
        declared.sort();
        assert_eq!(provided, declared, "{kind}");
    }
}

async fn failure(kind: &str, broken: impl FnOnce(&mut State)) -> Failure {
    let stage = Stage::before(kind).await;
    let world: &World = &stage.world;
    world.edit(broken);
    stage.observe(kind).await.unwrap_err()
}

#[tokio::test]
async fn network_facts_name_every_instance_that_is_wrong() {
    let failure = failure("network_facts", |state| {
        state.cloud.instances[0].1.state = "stopped".into();
        state.cloud.instances.remove(1);
    });
    let failure = failure.await;
    assert!(failure.message.contains("staging") && failure.message.contains("stopped"), "{failure}");
    assert!(failure.message.contains("production-1: there is no instance"), "{failure}");
    assert!(failure.hint.is_some());
}

#[tokio::test]
async fn network_facts_want_one_vpc() {
    let failure = failure("network_facts", |state| state.cloud.instances[2].1.vpc = "vpc-other".into()).await;
    assert!(failure.message.contains("production-2 in vpc-other"), "{failure}");
}

#[tokio::test]
async fn a_replica_wants_a_second_zone() {
    let failure = failure("network_facts", |state| {
        for subnets in state.cloud.subnets.values_mut() {
            subnets.truncate(1);
        }
    });
    let failure = failure.await;
    assert!(failure.message.contains("needs two"), "{failure}");
}

#[tokio::test]
async fn a_store_without_replicas_is_content_with_one_zone() {
    let mut rollout = site::rollout();
    rollout.cache.replicas = 0;
    let stage = Stage::before_in(site::plan(rollout), "network_facts").await;
    stage.world.edit(|state| state.cloud.subnets.values_mut().for_each(|subnets| subnets.truncate(1)));
    assert!(stage.observe("network_facts").await.is_ok());
}

#[tokio::test]
async fn there_is_no_baseline_of_what_does_not_run() {
    let failure = failure("protected_baseline", |state| {
        let host = state.hosts.get_mut("chatmrpt-production-2").unwrap();
        host.services.values_mut().for_each(|service| service.started_ticks = None);
    });
    let failure = failure.await;
    assert!(failure.message.contains("production-2"), "{failure}");
}

#[tokio::test]
async fn without_credentials_there_is_no_identity() {
    let failure = failure("caller_identity", |state| state.cloud.caller = None).await;
    assert!(failure.message.contains("credentials"), "{failure}");
}
