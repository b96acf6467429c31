//! The copy's keys in the store: whose they are, and what a rollback does with them, the store up or down.

use std::time::Duration;

use migrate::core::{FailureClass, Outcome, StepId, Verdict};
use migrate::sim::{CacheServer, Fault};
use migrate::steps::{Change, Condition, Presence};

use super::stage::Stage;

const KIND: &str = "session_key_space";
const PREFIX: &str = "chatmrpt-sessions:copy:";

async fn stage() -> (Stage, StepId, Box<dyn Change>) {
    let stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    (stage, id, step)
}

fn store(stage: &Stage, change: impl FnOnce(&mut CacheServer)) {
    stage.world.edit(|state| change(state.stores.values_mut().next().unwrap()));
}

fn put(stage: &Stage, key: &str, value: &str, lives: Duration) {
    store(stage, |server| drop(server.keys.insert(key.to_owned(), (value.as_bytes().to_vec(), lives))));
}

fn keys(stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    store(stage, |server| found.extend(server.keys.keys().cloned()));
    found
}

#[tokio::test]
async fn a_rollback_removes_every_key_of_the_copy_and_no_other() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    for key in ["one", "two"] {
        put(&stage, &format!("{PREFIX}{key}"), "a session", Duration::MAX);
    }
    put(&stage, "chatmrpt-sessions:live:one", "not ours to remove", Duration::MAX);
    assert_eq!(stage.probe_blind(&*step).await, Presence::Ours(Condition::Usable));
    stage.take_down(&id, &*step).await;
    assert_eq!(keys(&stage), ["chatmrpt-sessions:live:one"]);
}

#[tokio::test]
async fn keys_without_the_mark_are_removed_before_new_ones_come() {
    let (mut stage, id, step) = stage().await;
    put(&stage, &format!("{PREFIX}left"), "from another life", Duration::MAX);
    let presence = stage.probe(&*step).await;
    assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains("left")), "{presence:?}");
    stage.take_down(&id, &*step).await;
    assert!(keys(&stage).is_empty());
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn another_rollouts_keys_are_neither_claimed_nor_removed() {
    let (mut stage, id, step) = stage().await;
    put(&stage, &format!("{PREFIX}owner"), "somebody-else", Duration::MAX);
    put(&stage, &format!("{PREFIX}session"), "theirs", Duration::MAX);
    let before = keys(&stage);
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
    assert!(failed.failure.hint.is_some());
    let failed = stage.undo(&id, &*step).await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
    assert_eq!(keys(&stage), before);
}

/// Everything that was said, in one text.
fn said(stage: &Stage) -> String {
    stage.heard.all().into_iter().map(|progress| progress.message).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_store_that_is_down_does_not_hold_up_a_rollback() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| state.cloud.security_groups.values_mut().for_each(|group| group.ingress.clear()));
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
    assert_eq!(stage.probe_blind(&*step).await, Presence::Absent);
    assert!(said(&stage).contains("expire by themselves"), "{}", said(&stage));
}

#[tokio::test]
async fn a_hiccup_is_not_taken_for_a_store_that_is_down() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    stage.world.fail("cache.connect", 1, Fault::LostBefore);
    stage.world.fail("cache.get", 1, Fault::LostBefore);
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Usable));
    assert_eq!(stage.world.fired().len(), 2);
}

#[tokio::test]
async fn without_a_cluster_there_is_nothing_to_remove() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    stage.world.edit(|state| state.cloud.clusters.clear());
    assert_eq!(stage.probe_blind(&*step).await, Presence::Absent);
    assert!(said(&stage).contains("there is no store"), "{}", said(&stage));
    stage.undo(&id, &*step).await.unwrap();
    assert_eq!(stage.world.effects("cache.release"), 0);
}

#[tokio::test]
async fn a_mark_that_is_gone_or_expires_fails_the_verification() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    let soon = Duration::from_secs(1_000_000);
    put(&stage, &format!("{PREFIX}owner"), "chatmrpt-sessions", soon);
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
    assert!(measured[0].summary.contains("expires"), "{}", measured[0].summary);
    store(&stage, |server| server.keys.clear());
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
    assert!(measured[0].summary.contains("is gone"), "{}", measured[0].summary);
}

#[tokio::test]
async fn productions_keys_are_its_own_and_a_mark_that_is_gone_costs_no_session() {
    let plan = super::site::plan_with(super::site::rollout(), |step| {
        if step.kind.as_str() == KIND {
            step.settings["of"] = "production".into();
        }
    });
    let mut stage = Stage::before_in(plan, KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    put(&stage, &format!("{PREFIX}one"), "the copy's", Duration::MAX);
    stage.bring_up(&id, &*step).await;
    let known = format!("{:?}", stage.facts);
    assert!(!known.contains("key_prefix"), "copy.key_prefix means the copy: {known}");
    put(&stage, "chatmrpt-sessions:live:one", "a session", Duration::MAX);
    store(&stage, |server| drop(server.keys.remove("chatmrpt-sessions:live:owner")));
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Unfinished));
    stage.bring_up(&id, &*step).await;
    assert!(keys(&stage).contains(&"chatmrpt-sessions:live:one".to_owned()), "real users' sessions stay");
    stage.take_down(&id, &*step).await;
    assert_eq!(keys(&stage), [format!("{PREFIX}one")]);
}
