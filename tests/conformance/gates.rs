//! A gate that cannot fail is worth nothing: every gate, every way in which it has to fail, and with which class.

use std::time::Duration;

use migrate::core::rollout::Budget;
use migrate::core::{FactName, FactValue, Facts, FailureClass, Permission, REHEARSAL_TURNED, Verdict};
use migrate::ports::Clock;
use migrate::sim::Fault;

use super::exercises::kinds;
use super::scenarios::{Scenario, add_bastion, deny_simulation, host, permit, refuse_bastion, scenarios};
use super::stage::Stage;

/// What is wrong with how a gate fails in a scenario; nothing when it fails as it has to.
async fn wrong_with(scenario: &Scenario) -> Option<String> {
    let kind = scenario.kind;
    let mut stage = scenario.stage().await;
    let writes = stage.world.writes();
    let seen = match stage.judged(kind).await {
        Ok(seen) => seen,
        Err(failure) => return Some(format!("could not look: {failure}")),
    };
    let Some(failure) = seen.failure.clone() else { return Some("passed".to_owned()) };
    if failure.class != scenario.class {
        return Some(format!("is {}, not {}: {failure}", failure.class, scenario.class));
    }
    if let Some(words) = scenario.words.iter().find(|words| !failure.message.contains(**words)) {
        return Some(format!("`{words}` is not in: {failure}"));
    }
    let verdict = Verdict::over(seen.measurements.iter().map(|measurement| measurement.verdict));
    let inconclusive = failure.class == FailureClass::Inconclusive;
    let id = stage.id(kind);
    let own = stage.world.writes().split_off(writes.len());
    let may_write = kinds().contains(&kind.to_owned());
    let problems = [
        (failure.hint.is_none(), "no next step".to_owned()),
        (seen.measurements.is_empty(), "failed without a record".to_owned()),
        (verdict.passes(), format!("failed with the verdict {verdict}")),
        ((verdict == Verdict::Inconclusive) != inconclusive, format!("{verdict}, {failure}")),
        (format!("{seen:?}").contains(&stage.token()), "shows the token".to_owned()),
        (own.iter().any(|write| !may_write || write.step != id), format!("wrote something: {own:?}")),
    ];
    problems.into_iter().find(|(is_so, _)| *is_so).map(|(_, words)| words)
}

#[tokio::test]
async fn fail_where_they_have_to() {
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        let found = wrong_with(&scenario).await;
        wrong.extend(found.map(|words| format!("{}, {}: {words}", scenario.kind, scenario.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn unknown_permissions_can_be_accepted() {
    let scenario = Scenario::new("permissions", "accepted", FailureClass::Denied, &[])
        .settings(|settings| settings["unknown"] = "accept".into())
        .world(deny_simulation);
    let seen = scenario.stage().await.observe("permissions").await.unwrap();
    assert!(seen.failure.is_none() && seen.measurements[0].verdict.passes());
    assert!(seen.measurements[0].summary.contains("unknown and accepted"), "{}", seen.measurements[0].summary);
}

#[tokio::test]
async fn a_denied_action_comes_with_the_policy_to_attach() {
    let stage = Stage::before("permissions").await;
    permit(&stage.world, "elasticache:CreateReplicationGroup", Permission::Denied);
    permit(&stage.world, "ec2:DeleteSecurityGroup", Permission::Denied);
    let hint = stage.observe("permissions").await.unwrap().failure.unwrap().hint.unwrap();
    let policy: serde_json::Value = serde_json::from_str(&hint[hint.find('{').unwrap()..]).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions: Vec<&str> = statements.iter().map(|statement| statement["Action"][0].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        ["elasticache:CreateReplicationGroup", "ec2:DeleteSecurityGroup"],
        "no more than what is missing"
    );
    assert!(policy.to_string().contains(":123456789012:replicationgroup:chatmrpt-sessions"), "{policy:#}");
}

#[tokio::test]
async fn an_account_that_has_the_service_linked_role_need_not_be_allowed_to_make_it() {
    let stage = Stage::before("permissions").await;
    permit(&stage.world, "iam:CreateServiceLinkedRole", Permission::Denied);
    assert!(stage.observe("permissions").await.unwrap().failure.is_none());
}

#[tokio::test]
async fn a_missing_secret_is_found_before_anything_is_paid_for() {
    let stage = Stage::before("permissions").await;
    stage.world.edit(|state| state.secrets.clear());
    let failure = stage.observe("permissions").await.unwrap_err();
    assert!(failure.message.contains("auth token"), "{failure}");
}

#[tokio::test]
async fn a_target_that_is_new_since_the_baseline_is_inconclusive() {
    let mut stage = Stage::before("protected_unchanged").await;
    let name = FactName::new("protected.baseline");
    let Some(FactValue::Text(text)) = stage.facts.get(&name) else { panic!("no baseline") };
    let mut baseline: serde_json::Value = serde_json::from_str(text).unwrap();
    baseline.as_object_mut().unwrap().remove("production-2");
    stage.facts.extend(&Facts::new().with("protected.baseline", baseline.to_string()));
    let failure = stage.observe("protected_unchanged").await.unwrap().failure.unwrap();
    assert_eq!(failure.class, FailureClass::Inconclusive, "{failure}");
}

#[tokio::test]
async fn every_problem_of_every_target_is_said_at_once() {
    let stage = Stage::before("target_inspection").await;
    stage.world.edit(|state| {
        host(state, "18.117.115.217").listening.clear();
        host(state, "18.117.115.217").free_bytes = 1;
        host(state, "chatmrpt-production-1").account = "root".into();
        host(state, "chatmrpt-production-2").unreachable =
            Some(migrate::core::Failure::permanent("host key verification failed").hint("ssh-keyscan"));
    });
    let seen = stage.observe("target_inspection").await.unwrap();
    let message = seen.failure.unwrap().message;
    for words in [
        "staging: no process listens",
        "staging: 0 MiB free",
        "production-1: ssh logs in as `root`",
        "production-2: cannot be reached",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(message.contains("ssh-keyscan"), "{message}");
}

#[tokio::test]
async fn a_key_is_removed_even_when_its_test_fails() {
    let stage = Stage::before("cache_connection_test").await;
    stage.world.fail("cache.get", 1, Fault::LostBefore);
    let seen = stage.observe("cache_connection_test").await.unwrap();
    assert_eq!(seen.failure.unwrap().class, FailureClass::Gate);
    let left = stage.world.edit(|state| state.stores.values().map(|store| store.keys.len()).sum::<usize>());
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_closed_path_is_tried_again_by_the_engine() {
    let stage = Stage::before("cache_connection_test").await;
    stage.world.edit(|state| state.cloud.security_groups.values_mut().for_each(|group| group.ingress.clear()));
    let failure = stage.observe("cache_connection_test").await.unwrap_err();
    assert!(failure.class.is_retryable() && failure.hint.is_some(), "{failure:?}");
}

#[tokio::test]
async fn a_closed_place_passes() {
    let scenario = Scenario::new("refused_source", "closed", FailureClass::Gate, &[])
        .rollout(refuse_bastion)
        .world(|world| world.edit(add_bastion));
    let seen = scenario.stage().await.observe("refused_source").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    assert!(seen.measurements.iter().any(|measurement| measurement.summary.contains("closed to bastion (timed out)")));
}

#[tokio::test]
async fn a_rehearsal_across_a_clock_that_was_set_back_is_inconclusive() {
    let mut stage = Stage::before("rollback_rehearsal").await;
    let later = stage.world.now() + Duration::from_secs(1);
    stage.facts.extend(&Facts::new().with_fact(REHEARSAL_TURNED, later));
    let failure = stage.observe("rollback_rehearsal").await.unwrap().failure.unwrap();
    assert_eq!(failure.class, FailureClass::Inconclusive, "{failure}");
    assert!(failure.message.contains("the clock was set back"), "{failure}");
}

#[tokio::test]
async fn what_was_never_rehearsed_cannot_be_judged() {
    let mut stage = Stage::before("rollback_rehearsal").await;
    stage.facts = Facts::new();
    let failure = stage.observe("rollback_rehearsal").await.unwrap_err();
    assert!(failure.message.contains("rehearsal.began"), "{failure}");
}

#[tokio::test]
async fn a_rehearsal_says_how_long_it_took() {
    let seen = Stage::before("rollback_rehearsal").await.observe("rollback_rehearsal").await.unwrap();
    let [measurement] = seen.measurements.as_slice() else { panic!("{:?}", seen.measurements) };
    assert_eq!((&measurement.data["undo_ms"], &measurement.data["redo_ms"]), (&60_000.into(), &120_000.into()));
    assert_eq!(measurement.resource, "staging");
    let facts: Vec<String> = seen.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(facts, ["rehearsal.redo_seconds 120", "rehearsal.undo_seconds 60"]);
}

#[tokio::test]
async fn what_is_just_good_enough_is_good() {
    let pass = |kind| Scenario::new(kind, "at the limit", FailureClass::Gate, &[]);
    let limits = [
        pass("cost_gate").rollout(|rollout| rollout.budget = Some(Budget { monthly_usd: 47 })),
        pass("cost_gate").rollout(|rollout| rollout.budget = None),
        pass("target_inspection")
            .world(|world| world.edit(|state| host(state, "18.117.115.217").free_bytes = 600 << 20)),
        pass("rollback_rehearsal").settings(|settings| {
            settings["undo_within"] = "60s".into();
            settings["redo_within"] = "2m".into();
        }),
        pass("cache_connection_test").settings(|settings| settings["samples"] = 50.into()),
        pass("cache_connection_test").world(|world| {
            let exactly = vec![std::time::Duration::from_millis(250)];
            world.edit(|state| state.stores.values_mut().for_each(|store| store.round_trips = exactly.clone()));
        }),
    ];
    for scenario in limits {
        let seen = scenario.stage().await.observe(scenario.kind).await.unwrap();
        assert!(seen.failure.is_none(), "{}: {:?}", scenario.kind, seen.failure);
    }
}
