//! What only the slow and expensive things do: settle, fail to settle, linger, differ from what was asked for.

use std::time::Duration;

use migrate::core::{FailureClass, Verdict};
use migrate::ports::{Clock, IngressRule, ReplicationGroupStatus, RuleSource};
use migrate::sim::Fault;
use migrate::steps::{Condition, DiffAction, Presence};

use super::stage::Stage;

const KIND: &str = "replication_group";

/// A stage on which the cluster was just asked for.
async fn asked_for() -> (Stage, migrate::core::StepId, Box<dyn migrate::steps::Change>) {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.apply(&id, &*step).await.unwrap();
    (stage, id, step)
}

#[tokio::test]
async fn the_wait_is_long_and_says_how_long() {
    let (stage, _, step) = asked_for().await;
    assert!(matches!(stage.probe(&*step).await, Presence::Ours(Condition::Settling(_))));
    let start = stage.world.elapsed();
    let facts = step.settle(&stage.reader(&stage.facts)).await.unwrap();
    let waited = stage.world.elapsed().checked_sub(start).unwrap();
    assert!(waited >= Duration::from_secs(400) && waited < Duration::from_secs(450), "{waited:?}");
    let heard = stage.heard.all();
    let estimates: Vec<f64> = heard.iter().filter_map(|progress| progress.fraction).collect();
    assert!(estimates.len() > 30 && estimates.is_sorted(), "{estimates:?}");
    assert!(heard.last().unwrap().message.contains("creating"));
    assert!(format!("{facts:?}").contains("cluster.endpoint"));
}

#[tokio::test]
async fn the_wait_survives_throttling() {
    let (stage, _, step) = asked_for().await;
    for nth in [1, 2, 3, 10, 20] {
        stage.world.fail("cloud.replication_group", nth, Fault::Throttle);
    }
    step.settle(&stage.reader(&stage.facts)).await.unwrap();
    assert_eq!(stage.world.fired().len(), 5);
}

#[tokio::test]
async fn the_wait_ends_when_it_is_denied() {
    let (stage, _, step) = asked_for().await;
    stage.world.fail("cloud.replication_group", 4, Fault::Deny);
    let failure = step.settle(&stage.reader(&stage.facts)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Denied);
}

#[tokio::test]
async fn the_wait_has_an_end_and_is_not_repeated_at_once() {
    let (stage, _, step) = asked_for().await;
    stage.world.edit(|state| {
        state.cloud.clusters.values_mut().for_each(|cluster| cluster.ready_at = Duration::from_secs(1_000_000));
    });
    let failure = step.settle(&stage.reader(&stage.facts)).await.unwrap_err();
    assert!(failure.message.contains("after 45 minutes: creating"), "{failure}");
    assert!(!failure.class.is_retryable(), "{failure:?}");
}

#[tokio::test]
async fn a_failed_creation_says_so_and_is_replaced() {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.world.edit(|state| state.cloud.next_cluster_fails = true);
    stage.apply(&id, &*step).await.unwrap();
    let failure = step.settle(&stage.reader(&stage.facts)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Permanent);
    assert!(failure.message.contains("create-failed"), "{failure}");
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Broken("create-failed".into())));
    stage.take_down(&id, &*step).await;
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn a_rollback_in_the_middle_of_the_creation_waits_and_removes_it() {
    let (mut stage, id, step) = asked_for().await;
    let refused = stage.undo(&id, &*step).await.unwrap_err();
    assert_eq!(refused.failure.class, FailureClass::Transient, "{refused}");
    stage.take_down(&id, &*step).await;
}

#[tokio::test]
async fn what_was_created_otherwise_is_refused_forward_and_removed_backward() {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| {
        for cluster in state.cloud.clusters.values_mut() {
            cluster.facts.node_type = "cache.t4g.micro".into();
            cluster.facts.token_required = false;
        }
    });
    let failure = step.settle(&stage.reader(&stage.facts)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Foreign);
    assert!(failure.message.contains("cache.t4g.micro") && failure.message.contains("auth token off"), "{failure}");
    let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
    assert_eq!(diff.lines[0].action, DiffAction::Refuse, "{diff:?}");
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
    // To a probe it stays ours, or a rollback would take it for another user's and leave it to cost money.
    stage.take_down(&id, &*step).await;
}

#[tokio::test]
async fn a_cluster_that_is_being_changed_counts_as_settling() {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| {
        let clusters = state.cloud.clusters.values_mut();
        clusters.for_each(|cluster| cluster.facts.status = ReplicationGroupStatus::Settling("snapshotting".into()));
    });
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Settling("snapshotting".into())));
}

#[tokio::test]
async fn the_security_group_is_held_for_a_while_after_the_cluster_is_gone() {
    let (mut stage, id, step) = asked_for().await;
    let (group_id, group) = (stage.id("security_group"), stage.change("security_group"));
    let held = stage.undo(&group_id, &*group).await.unwrap_err();
    assert_eq!(held.failure.class, FailureClass::Transient, "{held}");
    stage.take_down(&id, &*step).await;
    let held = stage.undo(&group_id, &*group).await.unwrap_err();
    assert!(held.failure.message.contains("DependencyViolation"), "{held}");
    stage.take_down(&group_id, &*group).await;
}

fn rule(source: RuleSource) -> IngressRule {
    IngressRule { protocol: "tcp".into(), ports: Some((6379, 6379)), source }
}

#[tokio::test]
async fn a_rule_that_nobody_asked_for_fails_the_verification_and_does_not_hinder_the_undo() {
    for source in [RuleSource::Range("0.0.0.0/0".into()), RuleSource::Group("sg-0somebody".into())] {
        let mut stage = Stage::before("ingress_rules").await;
        let (id, step) = (stage.id("ingress_rules"), stage.change("ingress_rules"));
        stage.bring_up(&id, &*step).await;
        let extra = rule(source);
        stage.world.edit(|state| {
            state.cloud.security_groups.values_mut().for_each(|group| group.ingress.push(extra.clone()));
        });
        let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
        assert_eq!(measured[0].verdict, Verdict::Abort, "{}", measured[0].summary);
        stage.take_down(&id, &*step).await;
    }
}

#[tokio::test]
async fn a_rule_that_is_missing_is_broken_not_usable() {
    let mut stage = Stage::before("ingress_rules").await;
    let (id, step) = (stage.id("ingress_rules"), stage.change("ingress_rules"));
    stage.bring_up(&id, &*step).await;
    stage.facts =
        stage.facts.with("network.application_groups", vec!["sg-0application".to_owned(), "sg-0new".to_owned()]);
    let presence = stage.probe(&*step).await;
    assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains("sg-0new")), "{presence:?}");
}

#[tokio::test]
async fn a_subnet_group_with_other_subnets_fails_the_verification() {
    let mut stage = Stage::before("cache_subnet_group").await;
    let (id, step) = (stage.id("cache_subnet_group"), stage.change("cache_subnet_group"));
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| state.cloud.subnet_groups.values_mut().for_each(|group| group.subnets.truncate(1)));
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
}

#[tokio::test]
async fn a_security_group_in_another_vpc_fails_the_verification() {
    let mut stage = Stage::before("security_group").await;
    let (id, step) = (stage.id("security_group"), stage.change("security_group"));
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| state.cloud.security_groups.values_mut().for_each(|group| group.vpc = "vpc-other".into()));
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
}

#[tokio::test]
async fn something_that_never_shows_up_ends_the_wait() {
    for kind in super::changes::kinds().iter().filter(|kind| !["command", "store_loss_drill"].contains(&kind.as_str()))
    {
        let stage = Stage::before(kind).await;
        // Only AWS shows things later than it makes them.
        if !stage.id(kind).as_str().starts_with("1.") {
            continue;
        }
        let step = stage.change(kind);
        let failure = step.settle(&stage.reader(&stage.facts)).await.unwrap_err();
        assert!(failure.message.contains("still not visible"), "{kind}: {failure}");
        assert!(!failure.class.is_retryable(), "{kind}: {failure:?}");
    }
}
