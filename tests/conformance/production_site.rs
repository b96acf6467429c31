//! Production targets as phase 4 leaves them, and the ways in which its gates have to fail.

use std::collections::BTreeMap;

use migrate::core::rollout::{LoadBalancer, NoLoadBalancer, Rollout};
use migrate::core::{ACTED_ON, Digest, FactName, FactValue, Facts, FailureClass, Phase, Plan, PlannedStep, Secret};
use migrate::ports::{
    LiveTree, ProcessFacts, RegisteredTarget, ReleaseName, ServiceFacts, TargetGroupFacts, TargetHealth, TreeFacts,
};
use migrate::sim::{SimulatedDirectory, SimulatedFile, State, World};
use serde_json::Value;

use super::scaling;
use super::scenarios::{Scenario, host};
use super::stage::Stage;

/// The gates at the ends of phase 4.
pub const GATES: [&str; 2] = ["production_entry_gate", "final_comparison"];

/// The usual site before one of these gates, without hours of phases 2 and 3 but for what they hand on. That the whole
/// way leads there, too, is tested where all observers are.
pub async fn straight_to(plan: &Plan, kind: &str) -> Stage {
    let is_between = |step: &PlannedStep| [Phase::StagingCopy, Phase::WorkerTuning].contains(&step.phase);
    let steps = plan.steps().iter().filter(|step| !is_between(step)).cloned().collect();
    let plan = Plan::new(plan.rollout().clone(), BTreeMap::new(), steps, plan.files().clone()).unwrap();
    let learnt = Facts::new().with("bridge.kept_sessions", "5").with("workers.recommended", "4");
    Stage::before_knowing(plan, kind, learnt).await
}

/// The hosts of production.
pub const HOSTS: [&str; 2] = ["chatmrpt-production-1", "chatmrpt-production-2"];
const UNIT: &str = "chatmrpt.service";

/// The release that everybody is on in the end.
pub fn release() -> ReleaseName {
    ReleaseName::of(&Digest::of(b"the release"))
}

fn service<'a>(state: &'a mut State, name: &str) -> &'a mut ServiceFacts {
    host(state, name).services.get_mut(UNIT).unwrap()
}

/// A target on a release, as room, package and switch leave it.
pub fn switch(state: &mut State, name: &str, release: &ReleaseName, workers: u32) {
    let target = host(state, name);
    let root = target.releases.root();
    let path = format!("{root}/{release}");
    let file = |text: &str| SimulatedFile { mode: 0o600, content: Secret::new(text.to_owned()) };
    let files = BTreeMap::from([
        (".migrate/environment".to_owned(), file("MIGRATE_SESSIONS_WRITE=both\n")),
        (".migrate/live".to_owned(), file("/home/ec2-user/ChatMRPT\n")),
        (".migrate/workers".to_owned(), file(&workers.to_string())),
        (".migrate/trial-token".to_owned(), file(name)),
    ]);
    let whole = |files| SimulatedDirectory { owner: "chatmrpt-sessions".to_owned(), complete: true, files };
    target.directories.insert(root, whole(BTreeMap::new()));
    target.directories.insert(path.clone(), whole(files));
    let base = target.trees[&target.releases.live_path].clone();
    let digest = Digest::of(format!("{} as {release}", base.digest).as_bytes());
    target.trees.insert(path.clone(), TreeFacts { digest, ..base.clone() });
    target.releases.bases.insert(path, base);
    let live = LiveTree::Release(release.clone());
    (target.releases.live, target.releases.runs, target.releases.may_hand_over) = (live.clone(), live, true);
    let service = service(state, name);
    service.unit = Some(Digest::of(b"the unit and our drop-in"));
    restart(service);
    service.workers = workers;
}

/// Another main process in the place of the one before.
fn restart(service: &mut ServiceFacts) {
    let before = service.started_ticks.unwrap();
    (service.main_pid, service.started_ticks) = (Some(9_000), Some(before + 1_000));
    service.environment = Some(Digest::of(b"handed over"));
}

/// A target that was switched there and back, its room taken away again.
pub fn switched_back(state: &mut State, name: &str) {
    restart(service(state, name));
}

/// Both targets on the release, with as many workers as were recommended.
pub fn switch_all(stage: &Stage) {
    let Some(FactValue::Text(workers)) = stage.facts.get(&FactName::new("workers.recommended")) else {
        panic!("nothing was recommended")
    };
    let workers = workers.parse().unwrap();
    stage.world.edit(|state| HOSTS.into_iter().for_each(|name| switch(state, name, &release(), workers)));
}

/// The journal says that phase 4 has acted on the first target.
pub fn first_acted_on(facts: &mut Facts) {
    facts.extend(&Facts::new().with_fact(ACTED_ON, vec!["production-1".to_owned()]));
}

/// Another baseline.
pub fn baseline(facts: &mut Facts, change: impl Fn(&mut Value)) {
    let Some(FactValue::Text(text)) = facts.get(&FactName::new("protected.baseline")) else { panic!("no baseline") };
    let mut baseline: Value = serde_json::from_str(text).unwrap();
    change(&mut baseline);
    facts.extend(&Facts::new().with("protected.baseline", baseline.to_string()));
}

fn other_code() -> Digest {
    Digest::of(b"other code")
}

fn with_other_code(facts: &mut Facts, targets: &[&str]) {
    baseline(facts, |baseline| {
        targets.iter().for_each(|target| baseline[target]["tree"] = other_code().as_str().into());
    });
}

fn put_other_code(world: &World, hosts: &[&str]) {
    world.edit(|state| {
        for name in hosts {
            host(state, name).trees.values_mut().for_each(|tree| tree.digest = other_code());
        }
    });
}

/// Both production targets run other code than staging since before the baseline.
pub fn both_with_other_code(facts: &mut Facts) {
    with_other_code(facts, &["production-1", "production-2"]);
}

/// As [`both_with_other_code`].
pub fn put_other_code_on_both(world: &World) {
    put_other_code(world, &HOSTS);
}

/// An older version of a module on one target.
pub fn older_module(world: &World) {
    world.edit(|state| {
        host(state, HOSTS[1]).modules.get_mut("flask_session").unwrap().version = Some("0.5.0".to_owned());
    });
}

/// Nothing keeps a user on a target.
pub fn not_sticky(world: &World) {
    group(world, |group| group.sticky = false);
}

/// An operator accepts a difference: the entry, or the sentence of earlier versions.
pub fn accept(rollout: &mut Rollout, written: &str) {
    rollout.production.accepted_differences.push(serde_yaml::from_str(written).unwrap());
}

/// There is no load balancer.
pub fn unbalanced(rollout: &mut Rollout) {
    rollout.production.load_balancer = LoadBalancer::None(NoLoadBalancer::None);
}

/// A window for changes, every day. The world begins at noon, and phases 1 to 3 take hours.
pub fn window(rollout: &mut Rollout, from: &str, to: &str) {
    let window = serde_json::json!({ "from": from, "to": to });
    rollout.production.change_window = Some(serde_json::from_value(window).unwrap());
}

fn group(world: &World, change: fn(&mut TargetGroupFacts)) {
    world.edit(|state| state.cloud.target_groups.values_mut().for_each(change));
}

fn surprise(group: &mut TargetGroupFacts) {
    let health = TargetHealth::Healthy;
    group.targets.push(RegisteredTarget { id: "i-0surprise".into(), port: 8080, health });
}

pub fn scenarios() -> Vec<Scenario> {
    let mut all = as_before();
    all.extend(as_tested());
    all.extend(around());
    all.extend(scaling::scenarios());
    all.extend(ended());
    all
}

fn entry(name: &'static str, class: FailureClass, words: &'static [&'static str]) -> Scenario {
    Scenario::new("production_entry_gate", name, class, words)
}

/// Something is not as it was recorded.
fn as_before() -> Vec<Scenario> {
    use FailureClass::{Inconclusive, ProtectedChanged};
    vec![
        entry("another unit", ProtectedChanged, &["production-1: the unit changed"]).world(|world| {
            world.edit(|state| service(state, HOSTS[0]).unit = Some(Digest::of(b"other")));
        }),
        entry("restarted by somebody", ProtectedChanged, &["production-1: the process's start changed"])
            .world(|world| world.edit(|state| switched_back(state, HOSTS[0]))),
        entry("on a release that nobody made", ProtectedChanged, &["production-1: the application's tree changed"])
            .world(|world| world.edit(|state| switch(state, HOSTS[0], &release(), 2))),
        entry("another command line, and switched", ProtectedChanged, &["production-1: the command line changed"])
            .facts(first_acted_on)
            .world(|world| {
                world.edit(|state| {
                    switch(state, HOSTS[0], &release(), 2);
                    service(state, HOSTS[0]).command_line.push("--reload".to_owned());
                });
            }),
        entry(
            "the original changed behind a release",
            ProtectedChanged,
            &["the tree of the original, which a rollback needs,"],
        )
        .facts(first_acted_on)
        .world(|world| {
            world.edit(|state| {
                switch(state, HOSTS[0], &release(), 2);
                let target = host(state, HOSTS[0]);
                let original = target.releases.live_path.clone();
                target.trees.get_mut(&original).unwrap().digest = Digest::of(b"edited");
            });
        }),
        entry("the live path is somebody's", ProtectedChanged, &["what the live path names changed", "/srv/other"])
            .facts(first_acted_on)
            .world(|world| {
                world.edit(|state| {
                    let target = host(state, HOSTS[0]);
                    let tree = target.trees[&target.releases.live_path].clone();
                    target.trees.insert("/somewhere/else".to_owned(), tree);
                    target.releases.live = LiveTree::Foreign("/srv/other".to_owned());
                    restart(service(state, HOSTS[0]));
                });
            }),
        entry("new since the baseline", Inconclusive, &["production-2 is not in the baseline"])
            .facts(|facts| baseline(facts, |all| drop(all.as_object_mut().unwrap().remove("production-2")))),
    ]
}

/// Production does not run what was tested.
fn as_tested() -> Vec<Scenario> {
    use FailureClass::Gate;
    vec![
        entry(
            "other code",
            Gate,
            &[
                "production-2 runs code",
                "and staging",
                "(app.py)",
                "add `- { target: \"production-2\", code: ",
                "` to `production.accepted_differences` in rollout.yaml",
            ],
        )
        .facts(both_with_other_code)
        .world(put_other_code_on_both),
        entry("other code on one of them", Gate, &["the production targets run different code", "on production-2"])
            .facts(|facts| with_other_code(facts, &["production-2"]))
            .world(|world| put_other_code(world, &HOSTS[1..])),
        entry(
            "another interpreter",
            Gate,
            &["production-1 runs python /usr/bin/python3.9 and staging /usr/bin/python3.11: use the same interpreter"],
        )
        .facts(|facts| baseline(facts, |all| all["production-1"]["executable"] = "/usr/bin/python3.9".into()))
        .world(|world| {
            world.edit(|state| service(state, HOSTS[0]).executable = Some("/usr/bin/python3.9".to_owned()));
        }),
        entry(
            "another package",
            Gate,
            &["production-2 has flask_session 0.5.0 and staging 1.0: install the same version on both, or add"],
        )
        .world(older_module),
        entry("another version is accepted", Gate, &["production-2 has flask_session 0.5.0 and staging 1.0"])
            .rollout(|rollout| {
                accept(rollout, "{ target: production-2, module: flask_session, version: 0.6.0, staging: '1.0' }");
            })
            .world(older_module),
        entry("a package is missing", Gate, &["production-1 cannot import pandas"])
            .world(|world| world.edit(|state| drop(host(state, HOSTS[0]).modules.remove("pandas")))),
    ]
}

/// Something around production is not right.
fn around() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    vec![
        entry("nobody declared it", Gate, &["i-0surprise is registered, but is not a target"])
            .world(|world| group(world, surprise)),
        entry("port", Gate, &["production-1 gets users on port 9000, but the application's is 8080"])
            .world(|world| group(world, |group| group.targets[0].port = 9000)),
        entry("no group", Gate, &["there is no target group `chatmrpt-web`"])
            .world(|world| world.edit(|state| state.cloud.target_groups.clear())),
        entry("nobody listens", Gate, &["production-2: no process listens on port 8080"])
            .world(|world| world.edit(|state| host(state, HOSTS[1]).listening = vec![22])),
        entry("users move", Gate, &["chatmrpt-web has no stickiness", "is logged out", "stickiness.enabled"])
            .world(not_sticky),
        entry("the bridge was never watched", Inconclusive, &["the bridge was never seen to keep a session"]).facts(
            |facts| {
                let others = facts.iter().filter(|(name, _)| name.as_str() != "bridge.kept_sessions");
                *facts = others.fold(Facts::new(), |all, (name, value)| all.with(name.as_str(), value.clone()));
            },
        ),
        entry("no instance", Gate, &["production-1: there is no instance"]).world(|world| {
            world.edit(|state| state.cloud.instances.retain(|(name, _)| name != HOSTS[0]));
        }),
        entry("at the wrong hour", Gate, &["the change window is closed until 2025-07-30T10:00:00Z"])
            .rollout(|rollout| window(rollout, "10:00", "11:00")),
    ]
}

/// The targets have not ended on the same release.
fn ended() -> Vec<Scenario> {
    use FailureClass::Gate;
    let test = |name, words| Scenario::new("final_comparison", name, Gate, words);
    fn of_release<'a>(state: &'a mut State, name: &str) -> &'a mut SimulatedDirectory {
        let target = host(state, name);
        let path = format!("{}/{}", target.releases.root(), release());
        target.directories.get_mut(&path).unwrap()
    }
    vec![
        test("one was missed", &["production-2 is on the original, not on a release"]).world(|world| {
            world.edit(|state| {
                let releases = &mut host(state, HOSTS[1]).releases;
                (releases.live, releases.runs) = (LiveTree::Original, LiveTree::Original);
            });
        }),
        test("another release", &["releases differ", "on production-2"]).world(|world| {
            world.edit(|state| switch(state, HOSTS[1], &ReleaseName::of(&Digest::of(b"another")), 4));
        }),
        test("another tree", &["the trees of the release differ", "original and our files any more: app.py"]).world(
            |world| {
                world.edit(|state| {
                    let bases = &mut host(state, HOSTS[1]).releases.bases;
                    bases.values_mut().for_each(|tree| tree.digest = Digest::of(b"edited"));
                });
            },
        ),
        test("another environment", &["the release's environment and settings differ", ".migrate/environment"]).world(
            |world| {
                world.edit(|state| {
                    let file = of_release(state, HOSTS[1]).files.get_mut(".migrate/environment").unwrap();
                    file.content = Secret::new("MIGRATE_SESSIONS_WRITE=redis\n".to_owned());
                });
            },
        ),
        test("no environment", &["settings differ", ".migrate/environment is missing", "on production-2"])
            .world(|world| world.edit(|state| drop(of_release(state, HOSTS[1]).files.remove(".migrate/environment")))),
        test("workers", &["production-1: it runs 7 workers, not", "worker counts differ: ", "7 on production-1"])
            .world(|world| world.edit(|state| service(state, HOSTS[0]).workers = 7)),
        test("not restarted", &["production-1: its main process runs in the original"])
            .world(|world| world.edit(|state| host(state, HOSTS[0]).releases.runs = LiveTree::Original)),
        test("stopped", &["production-1: chatmrpt.service does not run"])
            .world(|world| world.edit(|state| service(state, HOSTS[0]).active = false)),
        test("somebody's", &["production-1: its live path names something that is not ours: /srv/other"]).world(
            |world| {
                world.edit(|state| {
                    host(state, HOSTS[0]).releases.live = LiveTree::Foreign("/srv/other".to_owned());
                });
            },
        ),
        test("no way back", &["production-1: the original, which a rollback needs, is gone"]).world(|world| {
            world.edit(|state| {
                let target = host(state, HOSTS[0]);
                drop(target.trees.remove(&target.releases.live_path.clone()));
            });
        }),
        test("not finished", &["a previous main process still runs beside it (process 77)"]).world(|world| {
            world.edit(|state| {
                host(state, HOSTS[0]).releases.beside.push(ProcessFacts { pid: 77, started_ticks: 1 });
            });
        }),
        test("not whole", &["release", "is not whole"])
            .world(|world| world.edit(|state| of_release(state, HOSTS[0]).complete = false)),
        test("nobody declared it", &["i-0surprise is registered, but is not a target"])
            .world(|world| group(world, surprise)),
        test("not in service", &["production-1 is not healthy: Target.Timeout"]).world(|world| {
            group(world, |group| group.targets[0].health = TargetHealth::Unhealthy("Target.Timeout".into()));
        }),
        test("leaving", &["production-2 is being deregistered"])
            .world(|world| group(world, |group| group.targets[1].health = TargetHealth::Draining)),
        test("not registered", &["production-2", "is not registered"])
            .world(|world| group(world, |group| group.targets.truncate(1))),
        test("missed without a load balancer", &["production-2 is on the original"]).rollout(unbalanced).world(
            |world| {
                world.edit(|state| {
                    let releases = &mut host(state, HOSTS[1]).releases;
                    (releases.live, releases.runs) = (LiveTree::Original, LiveTree::Original);
                });
            },
        ),
    ]
}
