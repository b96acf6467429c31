//! A gate that cannot fail is worth nothing: every gate, every way in which it has to fail, and with which class.

use migrate::core::rollout::{Budget, HumanDuration, RefusedSource, Rollout};
use migrate::core::{Digest, FactName, FactValue, Facts, FailureClass, Permission, Verdict};
use migrate::ports::{IngressRule, RuleSource};
use migrate::sim::{Fault, Host, State, World};

use super::site;
use super::stage::Stage;

/// One way in which a gate has to fail.
pub struct Scenario {
    pub kind: &'static str,
    pub name: &'static str,
    /// What is different about rollout.yaml.
    rollout: fn(&mut Rollout),
    /// What is different about the step's settings.
    settings: fn(&mut serde_json::Value),
    /// What is done to a world in which everything before the gate is done.
    world: fn(&World),
    class: FailureClass,
    /// What the failure has to say.
    words: &'static [&'static str],
}

impl Scenario {
    fn new(kind: &'static str, name: &'static str, class: FailureClass, words: &'static [&'static str]) -> Self {
        Self { kind, name, rollout: |_| {}, settings: |_| {}, world: |_| {}, class, words }
    }

    fn rollout(self, rollout: fn(&mut Rollout)) -> Self {
        Self { rollout, ..self }
    }

    fn settings(self, settings: fn(&mut serde_json::Value)) -> Self {
        Self { settings, ..self }
    }

    fn world(self, world: fn(&World)) -> Self {
        Self { world, ..self }
    }

    async fn stage(&self) -> Stage {
        let mut rollout = site::rollout();
        (self.rollout)(&mut rollout);
        let plan = site::plan_with(rollout, |step| {
            if step.kind.as_str() == self.kind {
                (self.settings)(&mut step.settings);
            }
        });
        let stage = Stage::before_in(plan, self.kind).await;
        (self.world)(&stage.world);
        stage
    }
}

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

fn host<'a>(state: &'a mut State, name: &str) -> &'a mut Host {
    state.hosts.get_mut(name).unwrap()
}

fn permit(world: &World, action: &str, permission: Permission) {
    world.edit(|state| state.cloud.permissions.insert(action.into(), permission));
}

fn deny_simulation(world: &World) {
    permit(world, "iam:SimulatePrincipalPolicy", Permission::Denied);
    world.edit(|state| state.cloud.dry_run = Some(Permission::Unknown));
}

fn store(state: &mut State) -> &mut migrate::sim::CacheServer {
    state.stores.values_mut().next().unwrap()
}

fn service(world: &World, host: &str, change: fn(&mut migrate::ports::ServiceFacts)) {
    world.edit(|state| state.hosts.get_mut(host).unwrap().services.values_mut().for_each(change));
}

fn refuse_bastion(rollout: &mut Rollout) {
    rollout.cache.refused_from = vec![RefusedSource::Operator, RefusedSource::Host("bastion".parse().unwrap())];
}

/// A host that is no instance of the application.
fn add_bastion(state: &mut State) {
    let mut bastion = host(state, "18.117.115.217").clone();
    bastion.instance = "bastion".into();
    state.hosts.insert("bastion".into(), bastion);
}

fn open_to(world: &World, source: RuleSource) {
    let rule = IngressRule { protocol: "tcp".into(), ports: Some((6379, 6379)), source };
    world.edit(|state| {
        state.cloud.security_groups.values_mut().for_each(|group| group.ingress.push(rule.clone()));
    });
}

pub fn scenarios() -> Vec<Scenario> {
    let mut all = preflight();
    all.extend(money());
    all.extend(protected());
    all.extend(connection());
    all.extend(refused());
    all
}

fn preflight() -> Vec<Scenario> {
    use FailureClass::{Denied, Gate, Inconclusive};
    vec![
        Scenario::new(
            "permissions",
            "simulated",
            Denied,
            &["waiting for permissions:", "elasticache:DeleteReplicationGroup"],
        )
        .world(|world| permit(world, "elasticache:DeleteReplicationGroup", Permission::Denied)),
        Scenario::new("permissions", "dry run", Denied, &["waiting for permissions:", "ec2:CreateSecurityGroup"])
            .world(|world| world.edit(|state| state.cloud.dry_run = Some(Permission::Denied))),
        Scenario::new("permissions", "secret", Denied, &["secretsmanager:GetSecretValue"])
            .world(|world| world.fail("secrets.auth_token", 1, Fault::Deny)),
        Scenario::new("permissions", "nobody may simulate", Inconclusive, &["nobody can say"]).world(deny_simulation),
        Scenario::new("target_inspection", "unreachable", Gate, &["production-1: cannot be reached"]).world(|world| {
            let failure = migrate::core::Failure::transient("connection timed out");
            world.edit(|state| host(state, "chatmrpt-production-1").unreachable = Some(failure));
        }),
        Scenario::new("target_inspection", "account", Gate, &["staging: ssh logs in as `ubuntu`"])
            .world(|world| world.edit(|state| host(state, "18.117.115.217").account = "ubuntu".into())),
        Scenario::new("target_inspection", "stopped", Gate, &["chatmrpt.service is not running"])
            .world(|world| service(world, "chatmrpt-production-1", |service| service.active = false)),
        Scenario::new("target_inspection", "no unit", Gate, &["chatmrpt.service could not be read"])
            .world(|world| world.edit(|state| host(state, "chatmrpt-production-1").services.clear())),
        Scenario::new("target_inspection", "workers", Gate, &["runs 9 workers, not 2"])
            .world(|world| service(world, "chatmrpt-production-2", |service| service.workers = 9)),
        Scenario::new("target_inspection", "module", Gate, &["cannot import flask_session"]).world(|world| {
            world.edit(|state| host(state, "chatmrpt-production-1").modules.remove("flask_session"));
        }),
        Scenario::new("target_inspection", "room", Gate, &["600 MiB needed"])
            .world(|world| world.edit(|state| host(state, "18.117.115.217").free_bytes = 599 << 20)),
        Scenario::new("target_inspection", "port", Gate, &["nobody listens on port 8080"])
            .world(|world| world.edit(|state| host(state, "chatmrpt-production-2").listening = vec![22])),
        Scenario::new(
            "target_inspection",
            "versions",
            Gate,
            &["flask_session is 1.0 on production-1, 0.5.0 on production-2"],
        )
        .world(|world| {
            world.edit(|state| {
                let module = host(state, "chatmrpt-production-2").modules.get_mut("flask_session").unwrap();
                module.version = Some("0.5.0".into());
            });
        }),
        Scenario::new("target_inspection", "could not look", Inconclusive, &["the free space"])
            .world(|world| world.fail("target.disk", 1, Fault::LostBefore)),
    ]
}

fn money() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    vec![
        Scenario::new("cost_gate", "too dear", Gate, &["47 USD", "budget is 46"])
            .rollout(|rollout| rollout.budget = Some(Budget { monthly_usd: 46 })),
        Scenario::new("cost_gate", "unknown node", Inconclusive, &["not in the price table"])
            .rollout(|rollout| rollout.cache.node_type = "cache.z9.huge".into()),
        Scenario::new("cost_gate", "unknown region", Inconclusive, &["eu-west-3"])
            .rollout(|rollout| rollout.region = "eu-west-3".parse().unwrap()),
    ]
}

fn protected() -> Vec<Scenario> {
    let changed = |name, words| Scenario::new("protected_unchanged", name, FailureClass::ProtectedChanged, words);
    vec![
        changed("tree", &["production-2: the application's tree changed from"]).world(|world| {
            world.edit(|state| {
                let trees = host(state, "chatmrpt-production-2").trees.values_mut();
                trees.for_each(|tree| tree.digest = Digest::of(b"edited"));
            });
        }),
        changed("restart", &["production-1: the process's start changed"])
            .world(|world| service(world, "chatmrpt-production-1", |service| service.started_ticks = Some(1))),
        changed("stop", &["production-1: the process's start changed", "not running"])
            .world(|world| service(world, "chatmrpt-production-1", |service| service.started_ticks = None)),
        changed("unit", &["staging: the unit changed"])
            .world(|world| service(world, "18.117.115.217", |service| service.unit = Some(Digest::of(b"edited")))),
        changed("command line", &["the command line changed", "--workers 9"]).world(|world| {
            service(world, "chatmrpt-production-1", |service| {
                service.command_line.extend(["--workers".into(), "9".into()])
            })
        }),
        changed("environment", &["the environment changed"]).world(|world| {
            service(world, "chatmrpt-production-1", |service| service.environment = Some(Digest::of(b"edited")))
        }),
        changed("interpreter", &["the interpreter changed from /usr/bin/python3.11 to /usr/bin/python3.9"]).world(
            |world| {
                service(world, "chatmrpt-production-1", |service| {
                    service.executable = Some("/usr/bin/python3.9".into())
                })
            },
        ),
    ]
}

fn connection() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("cache_connection_test", name, class, words);
    vec![
        test("auth is off", Gate, &["accepts a wrong token"])
            .world(|world| world.edit(|state| store(state).accepts_any_token = true)),
        test("TLS is off", Gate, &["answers plain text"])
            .world(|world| world.edit(|state| store(state).answers_plain_text = true)),
        test("plain text, token not asked for", Gate, &["answers plain text"])
            .rollout(|rollout| rollout.cache.auth = migrate::core::rollout::CacheAuth::None)
            .world(|world| {
                world.edit(|state| {
                    store(state).answers_plain_text = true;
                });
            }),
        test("another token", Gate, &["WRONGPASS"])
            .world(|world| world.edit(|state| store(state).token = Some("rotated".into()))),
        test("no TLS at all", Gate, &["does not speak TLS"])
            .world(|world| world.edit(|state| store(state).tls = false)),
        test("it forgets", Gate, &["GET does not return"])
            .world(|world| world.edit(|state| store(state).forgets = true)),
        test("slow", Gate, &["99th percentile", "latency_p99 (250ms)"]).world(|world| {
            world.edit(|state| store(state).round_trips = vec![std::time::Duration::from_millis(251)]);
        }),
        test("slow by its own limit", Gate, &["99th percentile"])
            .rollout(|rollout| rollout.cache.latency_p99 = HumanDuration::from(std::time::Duration::from_millis(20))),
        test("too few samples", Inconclusive, &["49 round trips"]).settings(|settings| settings["samples"] = 49.into()),
        test("nobody saw the wrong token refused", Inconclusive, &["wrong token is refused could not be seen"])
            .world(|world| world.fail("cache.connect", 2, Fault::LostBefore)),
        test("plain text is answered with a question for the token", Gate, &["answers plain text (", "simulated"])
            .world(|world| world.fail("cache.connect", 3, Fault::Permanent)),
        test("the path broke while plain text was tried", Inconclusive, &["plain text is refused could not be seen"])
            .world(|world| world.fail("cache.connect", 4, Fault::LostBefore)),
    ]
}

fn refused() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("refused_source", name, class, words);
    vec![
        test("open to the world", Gate, &["is open to operator, which must not reach it"])
            .world(|world| open_to(world, RuleSource::Range("0.0.0.0/0".into()))),
        test("open to a host", Gate, &["is open to bastion"]).rollout(refuse_bastion).world(|world| {
            world.edit(|state| {
                add_bastion(state);
                let facts = state.cloud.instances[0].1.clone();
                state.cloud.instances.push(("bastion".into(), facts));
            });
        }),
        test("closed to everyone", Inconclusive, &["not open to staging", "staging gets none either"]).world(|world| {
            world.edit(|state| state.cloud.security_groups.values_mut().for_each(|group| group.ingress.clear()));
        }),
        test("the name does not resolve", Inconclusive, &["no route"])
            .world(|world| world.edit(|state| state.cloud.clusters.clear())),
        test("ssh does not work", Inconclusive, &["bastion could not try"]).rollout(refuse_bastion),
        test("staging cannot be asked", Inconclusive, &["staging could not try"])
            .world(|world| world.fail("target.reach", 1, Fault::LostBefore)),
        test("no place named", Inconclusive, &["names no place"]).rollout(|rollout| rollout.cache.refused_from.clear()),
    ]
}
