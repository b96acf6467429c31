//! The ways in which gates have to fail.

use migrate::core::rollout::{Budget, HumanDuration, RefusedSource, Rollout};
use migrate::core::{Digest, Facts, FailureClass, Permission};
use migrate::ports::{IngressRule, RegisteredTarget, RuleSource, TargetGroupFacts, TargetHealth};
use migrate::sim::{Fault, Host, State, World};

use super::stage::Stage;
use super::{
    comparison_scenarios, copy_scenarios, production_site, ramp_scenarios, site, soak_scenarios, switch_scenarios,
    switched_scenarios, trial_scenarios,
};

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
    /// What is different about what is known by then.
    facts: fn(&mut Facts),
    pub class: FailureClass,
    /// What the failure has to say.
    pub words: &'static [&'static str],
}

impl Scenario {
    pub fn new(kind: &'static str, name: &'static str, class: FailureClass, words: &'static [&'static str]) -> Self {
        Self { kind, name, rollout: |_| {}, settings: |_| {}, world: |_| {}, facts: |_| {}, class, words }
    }

    pub fn rollout(self, rollout: fn(&mut Rollout)) -> Self {
        Self { rollout, ..self }
    }

    pub fn settings(self, settings: fn(&mut serde_json::Value)) -> Self {
        Self { settings, ..self }
    }

    pub fn world(self, world: fn(&World)) -> Self {
        Self { world, ..self }
    }

    pub fn facts(self, facts: fn(&mut Facts)) -> Self {
        Self { facts, ..self }
    }

    pub async fn stage(&self) -> Stage {
        let mut rollout = site::shorter();
        (self.rollout)(&mut rollout);
        let plan = site::plan_with(rollout, |step| {
            if step.kind.as_str() == self.kind {
                (self.settings)(&mut step.settings);
            }
        });
        let mut stage = match production_site::GATES.contains(&self.kind) {
            true => production_site::straight_to(&plan, self.kind).await,
            false => Stage::before_in(plan, self.kind).await,
        };
        (self.facts)(&mut stage.facts);
        (self.world)(&stage.world);
        stage
    }
}

pub fn host<'a>(state: &'a mut State, name: &str) -> &'a mut Host {
    state.hosts.get_mut(name).unwrap()
}

pub fn permit(world: &World, action: &str, permission: Permission) {
    world.edit(|state| state.cloud.permissions.insert(action.into(), permission));
}

pub fn deny_simulation(world: &World) {
    permit(world, "iam:SimulatePrincipalPolicy", Permission::Denied);
    world.edit(|state| state.cloud.dry_run = Some(Permission::Unknown));
}

fn store(state: &mut State) -> &mut migrate::sim::CacheServer {
    state.stores.values_mut().next().unwrap()
}

fn service(world: &World, host: &str, change: fn(&mut migrate::ports::ServiceFacts)) {
    world.edit(|state| state.hosts.get_mut(host).unwrap().services.values_mut().for_each(change));
}

pub fn refuse_bastion(rollout: &mut Rollout) {
    rollout.cache.refused_from = vec![RefusedSource::Operator, RefusedSource::Host("bastion".parse().unwrap())];
}

/// A host that is no instance of the application.
pub fn add_bastion(state: &mut State) {
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
    all.extend(balanced());
    all.extend(money());
    all.extend(protected());
    all.extend(connection());
    all.extend(refused());
    all.extend(rehearsal());
    all.extend(watched());
    all.extend(copy_scenarios::scenarios());
    all.extend(comparison_scenarios::scenarios());
    all.extend(ramp_scenarios::scenarios());
    all.extend(production_site::scenarios());
    all.extend(soak_scenarios::scenarios());
    all.extend(switched_scenarios::scenarios());
    all.extend(switch_scenarios::scenarios());
    all.extend(trial_scenarios::scenarios());
    all
}

/// What a script that watches may say. The site's looks for what the `command` step has made.
fn watched() -> Vec<Scenario> {
    fn look(settings: &mut serde_json::Value, script: &str) {
        settings["look"] = script.into();
    }
    let test = |name, class, words| Scenario::new("command_soak", name, class, words);
    vec![
        test("bad", FailureClass::Gate, &["bad on staging", "test flag || exit 2: exit code 2"])
            .world(|world| world.edit(|state| assert!(host(state, "18.117.115.217").files.remove("flag")))),
        test("on hold", FailureClass::Gate, &["on hold on staging", "exit code 1"])
            .settings(|settings| look(settings, "echo 7\ntest nothing")),
        test("cannot tell", FailureClass::Inconclusive, &["could not tell", "exit code 3"])
            .settings(|settings| look(settings, "exit 3")),
        test("does not count", FailureClass::Inconclusive, &["did not say how many requests"])
            .settings(|settings| look(settings, "true")),
    ]
}

/// The site's rehearsal takes a minute back and two minutes forth.
fn rehearsal() -> Vec<Scenario> {
    let test = |name, words| Scenario::new("rollback_rehearsal", name, FailureClass::Gate, words);
    vec![
        test("slow back", &["undone in 60.0 s, which is more than 59s", "redone in 120.0 s, within 10m"])
            .settings(|settings| settings["undo_within"] = "59s".into()),
        test("slow forth", &["undone in 60.0 s, within 5m", "redone in 120.0 s, which is more than 119s"])
            .settings(|settings| settings["redo_within"] = "119s".into()),
    ]
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
        Scenario::new("permissions", "nobody may simulate", Inconclusive, &["AWS does not say"]).world(deny_simulation),
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
        Scenario::new("target_inspection", "port", Gate, &["no process listens on port 8080"])
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

fn group(world: &World, change: fn(&mut TargetGroupFacts)) {
    world.edit(|state| state.cloud.target_groups.values_mut().for_each(change));
}

fn balanced() -> Vec<Scenario> {
    use FailureClass::Gate;
    let kind = "target_group_inspection";
    vec![
        Scenario::new(kind, "no group", Gate, &["there is no target group `chatmrpt-web`"])
            .world(|world| world.edit(|state| state.cloud.target_groups.clear())),
        Scenario::new(kind, "nobody declared it", Gate, &["i-0surprise is registered, but is not a target"]).world(
            |world| {
                group(world, |group| {
                    let health = TargetHealth::Healthy;
                    group.targets.push(RegisteredTarget { id: "i-0surprise".into(), port: 8080, health });
                });
            },
        ),
        Scenario::new(kind, "not registered", Gate, &["production-2", "is not registered"])
            .world(|world| group(world, |group| group.targets.truncate(1))),
        Scenario::new(kind, "port", Gate, &["production-1 gets users on port 9000, but the application's is 8080"])
            .world(|world| group(world, |group| group.targets[0].port = 9000)),
        Scenario::new(kind, "unhealthy", Gate, &["production-1 is not healthy: Target.Timeout"]).world(|world| {
            group(world, |group| group.targets[0].health = TargetHealth::Unhealthy("Target.Timeout".into()));
        }),
        Scenario::new(kind, "leaving", Gate, &["production-2 is being deregistered"])
            .world(|world| group(world, |group| group.targets[1].health = TargetHealth::Draining)),
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
                service.command_line.extend(["--workers".into(), "9".into()]);
            });
        }),
        changed("environment", &["the environment changed"]).world(|world| {
            service(world, "chatmrpt-production-1", |service| service.environment = Some(Digest::of(b"edited")));
        }),
        changed("interpreter", &["the interpreter changed from /usr/bin/python3.11 to /usr/bin/python3.9"]).world(
            |world| {
                service(world, "chatmrpt-production-1", |service| {
                    service.executable = Some("/usr/bin/python3.9".into());
                });
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
