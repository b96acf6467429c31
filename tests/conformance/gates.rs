//! A gate that cannot fail is worth nothing: every gate, every way in which it has to fail, and with which class.

use migrate::core::rollout::Budget;
use migrate::core::{FactName, FactValue, Facts, FailureClass, Permission, Verdict};
use migrate::sim::Fault;

use super::scenarios::{Scenario, add_bastion, deny_simulation, host, permit, refuse_bastion, scenarios};
use super::stage::Stage;

#[tokio::test]
async fn fail_where_they_have_to() {
    for scenario in scenarios() {
        let Scenario { kind, name, .. } = scenario;
        let stage = scenario.stage().await;
        let writes = stage.world.writes().len();
        let seen =
            stage.observe(kind).await.unwrap_or_else(|failure| panic!("{kind}, {name}: could not look: {failure}"));
        let failure = seen.failure.clone().unwrap_or_else(|| panic!("{kind}, {name}: passed"));
        assert_eq!(failure.class, scenario.class, "{kind}, {name}: {failure}");
        for words in scenario.words {
            assert!(failure.message.contains(words), "{kind}, {name}: `{words}` is not in: {failure}");
        }
        assert!(failure.hint.is_some(), "{kind}, {name}: no next step");
        assert!(!seen.measurements.is_empty(), "{kind}, {name}: failed without a record");
        let verdict = Verdict::over(seen.measurements.iter().map(|measurement| measurement.verdict));
        assert!(!verdict.passes(), "{kind}, {name}: failed with the verdict {verdict}");
        let inconclusive = verdict == Verdict::Inconclusive;
        assert_eq!(inconclusive, failure.class == FailureClass::Inconclusive, "{kind}, {name}: {verdict}, {failure}");
        assert!(!format!("{seen:?}").contains(&stage.token()), "{kind}, {name}: shows the token");
        assert_eq!(stage.world.writes().len(), writes, "{kind}, {name}: wrote something");
    }
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
        "staging: nobody listens",
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
async fn what_is_just_good_enough_is_good() {
    let pass = |kind| Scenario::new(kind, "at the limit", FailureClass::Gate, &[]);
    let limits = [
        pass("cost_gate").rollout(|rollout| rollout.budget = Some(Budget { monthly_usd: 47 })),
        pass("cost_gate").rollout(|rollout| rollout.budget = None),
        pass("target_inspection")
            .world(|world| world.edit(|state| host(state, "18.117.115.217").free_bytes = 600 << 20)),
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
