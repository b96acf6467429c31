//! The gates of phase 4 pass where they have to: what was accepted, what phase 4 has done itself, and what is healthy.

use migrate::core::{Digest, FailureClass};
use migrate::steps::Observation;

use super::production_site::{
    HOSTS, accept, both_with_other_code, first_acted_on, not_sticky, older_module, put_other_code_on_both, release,
    switch, switched_back, unbalanced, window,
};
use super::scenarios::Scenario;
use super::stage::Stage;

pub fn entry() -> Scenario {
    Scenario::new("production_entry_gate", "passes", FailureClass::Gate, &[])
}

pub async fn passes(scenario: Scenario) -> Observation {
    let kind = scenario.kind;
    let seen = scenario.stage().await.observe(kind).await.unwrap();
    assert!(seen.failure.is_none(), "{kind}: {:?}", seen.failure);
    assert!(seen.measurements.iter().all(|measurement| measurement.verdict.passes()));
    seen
}

pub fn says(seen: &Observation, words: &str) {
    let said: Vec<&str> = seen.measurements.iter().map(|measurement| measurement.summary.as_str()).collect();
    assert!(said.iter().any(|said| said.contains(words)), "`{words}` is not in {said:#?}");
}

#[tokio::test]
async fn every_item_is_a_measurement_of_its_own() {
    let seen = passes(entry()).await;
    for words in [
        "production-1: tree, unit and process are as recorded",
        "production-2 runs the code and the interpreter of staging",
        "production-2 has the packages of staging (4 compared)",
        "chatmrpt-web sends users to the 2 declared targets on port 8080",
        "chatmrpt-web keeps a user on one target",
        "production-1 listens on port 8080",
        "phase 2 has seen the bridge keep the sessions of 5 users",
        "is in no auto scaling group",
        "rollout.yaml has no change window",
    ] {
        says(&seen, words);
    }
}

#[tokio::test]
async fn a_difference_is_accepted_by_its_entry_or_its_old_sentence() {
    let scenario = entry()
        .rollout(|rollout| {
            let (own, staging) = (Digest::of(b"other code"), Digest::of(b"ChatMRPT"));
            for target in ["production-1", "production-2"] {
                let (own, staging) = (own.short(), staging.short());
                accept(rollout, &format!("{{ target: {target}, code: '{own}', staging: '{staging}' }}"));
            }
            accept(rollout, "production-2 has flask_session 0.5.0 and staging 1.0");
            accept(rollout, "{ target_group: chatmrpt-web, stickiness: none }");
        })
        .facts(both_with_other_code)
        .world(|world| {
            put_other_code_on_both(world);
            older_module(world);
            not_sticky(world);
        });
    let seen = passes(scenario).await;
    says(&seen, "(app.py): accepted in rollout.yaml");
    says(&seen, "production-2 has flask_session 0.5.0 and staging 1.0: accepted in rollout.yaml");
    says(&seen, "chatmrpt-web has no stickiness");
}

#[tokio::test]
async fn an_accepted_version_does_not_stop_preflight_either() {
    let scenario = Scenario::new("target_inspection", "accepted", FailureClass::Gate, &[])
        .rollout(|rollout| {
            accept(rollout, "{ target: production-2, module: flask_session, version: 0.5.0, staging: '1.0' }");
        })
        .world(older_module);
    let seen = passes(scenario).await;
    says(&seen, "but for what rollout.yaml accepts: production-2 has flask_session 0.5.0 and staging 1.0");
}

#[tokio::test]
async fn without_a_load_balancer_nobody_is_moved() {
    says(&passes(entry().rollout(unbalanced)).await, "no load balancer moves users");
}

#[tokio::test]
async fn one_target_without_stickiness_moves_nobody() {
    let one = |rollout: &mut migrate::core::rollout::Rollout| rollout.production.targets.truncate(1);
    says(&passes(entry().rollout(one).world(not_sticky)).await, "has one target: no user can be moved");
}

#[tokio::test]
async fn at_the_right_hour_it_is_open() {
    says(&passes(entry().rollout(|rollout| window(rollout, "12:00", "11:00"))).await, "the change window is open");
}

#[tokio::test]
async fn what_phase_4_has_done_itself_is_no_change() {
    for kind in ["production_entry_gate", "protected_unchanged"] {
        let on_a_release = Scenario::new(kind, "switched", FailureClass::Gate, &[])
            .facts(first_acted_on)
            .world(|world| world.edit(|state| switch(state, HOSTS[0], &release(), 4)));
        says(&passes(on_a_release).await, "production-1: runs release");
        let and_back = Scenario::new(kind, "switched back", FailureClass::Gate, &[])
            .facts(first_acted_on)
            .world(|world| world.edit(|state| switched_back(state, HOSTS[0])));
        says(&passes(and_back).await, "production-1: as recorded, but for what phase 4 itself has done");
    }
}

#[tokio::test]
async fn all_targets_on_one_release_are_compared() {
    let seen = Stage::before("final_comparison").await.observe("final_comparison").await.unwrap();
    for words in [
        &format!("production-1 runs release {} with ", release()),
        "releases are the same on 2 targets",
        "the trees of the release are the same",
        "the release's environment and settings are the same",
        "worker counts are the same",
        "chatmrpt-web sends users to the 2 declared targets",
    ] {
        says(&seen, words);
    }
    passes(Scenario::new("final_comparison", "unbalanced", FailureClass::Gate, &[]).rollout(unbalanced)).await;
}
