//! The ways in which a target that was switched has to be found out.

use migrate::core::FailureClass;
use migrate::ports::{LiveTree, ServiceFacts, TargetHealth};
use migrate::sim::{SessionPlace, World};

use super::releases::{HOST, application};
use super::scenarios::Scenario;

fn service(world: &World, change: fn(&mut ServiceFacts)) {
    world.edit(|state| state.hosts.get_mut(HOST).unwrap().services.values_mut().for_each(change));
}

fn trial(world: &World, change: impl FnOnce(&mut migrate::sim::SimulatedTrial)) {
    application(world, |sessions| change(sessions.trial.as_mut().unwrap()));
}

fn health(world: &World, health: &TargetHealth) {
    world.edit(|state| {
        let targets = state.cloud.target_groups.values_mut().flat_map(|group| &mut group.targets);
        targets.for_each(|target| target.health = health.clone());
    });
}

fn test(name: &'static str, words: &'static [&'static str]) -> Scenario {
    Scenario::new("switched_target_check", name, FailureClass::Gate, words)
}

pub fn scenarios() -> Vec<Scenario> {
    let mut all = processes();
    all.extend(sessions());
    all.extend(users());
    all
}

fn processes() -> Vec<Scenario> {
    vec![
        test("it does not run", &["chatmrpt.service does not run on production-1"])
            .world(|world| service(world, |service| service.main_pid = None)),
        test("too few workers", &["has 1 workers on production-1, not 2"])
            .world(|world| service(world, |service| service.workers = 1)),
        test("another process behind the port", &["answered on the port of production-1, not one of 20004"]).world(
            |world| trial(world, |trial| trial.says_master = Some(77)),
        ),
        test("a setting that is not in force", &["MIGRATE_SESSIONS_WRITE is \"redis\", and was set to `both`"]).world(
            |world| {
                trial(world, |trial| {
                    trial.other_settings.insert("MIGRATE_SESSIONS_WRITE".into(), "redis".into());
                });
            },
        ),
        test("no trial endpoints", &["production-1 cannot be asked for the", "its trial endpoints are off"])
            .world(|world| application(world, |sessions| sessions.trial = None)),
        test("no release is live", &["production-1 cannot be asked for the declared journeys", "there is no file"]).world(
            |world| {
                world.edit(|state| state.hosts.get_mut(HOST).unwrap().releases.live = LiveTree::Original);
            },
        ),
        test("green without a cookie, 500 with one", &[
            "GET /ping on production-1 answers 200 without a cookie and 500 with one: the load balancer would never see it",
            "answered with a server error",
        ])
        .world(|world| application(world, |sessions| sessions.fails_with_a_session = true)),
        test("500", &["GET /ping on production-1 answers 500 without a cookie", "20 answered with a server error"])
            .world(|world| application(world, |sessions| sessions.fails = true)),
        test("nobody listens", &["production-1 cannot be asked for its health", "no process listens"])
            .world(|world| world.edit(|state| state.applications.clear())),
        test("a route is broken", &["`analyst/GET /frame` fails for user 9000002: not a DataFrame"]).world(|world| {
            application(world, |sessions| {
                sessions.broken.insert("GET /frame".into(), "not a DataFrame".into());
            });
        }),
        test("the load balancer does not agree", &["chatmrpt-web sends no users to production-1 after 180 s: 502"])
            .world(|world| health(world, &TargetHealth::Unhealthy("502".into()))),
    ]
}

fn sessions() -> Vec<Scenario> {
    vec![
        test(
            "another prefix",
            &["production-1 keeps its sessions under `session:`, not under `chatmrpt-sessions:live:`"],
        )
        .world(|world| application(world, |sessions| sessions.prefix = "session:".into())),
        test("another store", &["production-1's session is not on", "it writes to another store than"]).world(
            |world| {
                application(world, |sessions| sessions.place = SessionPlace::Store("elsewhere:6379".into()));
            },
        ),
        test("no store", &["production-1 reads its session from `old`", "does not reach the store"])
            .world(|world| application(world, |sessions| sessions.place = SessionPlace::Files)),
        test("another server behind the name", &["another server than the one that was tested"]).world(|world| {
            world.edit(|state| state.stores.values_mut().for_each(|store| store.run_id = "replaced".into()));
        }),
    ]
}

fn users() -> Vec<Scenario> {
    vec![
        test(
            "three sessions are lost",
            &["of 20 users opened on production-1", "3 not known any more: user 90000", "`analyst/GET /whoami`: 401"],
        )
        .world(|world| application(world, |sessions| sessions.forget(3))),
        test("all sessions are lost", &["20 not known any more"])
            .world(|world| application(world, |sessions| sessions.forget(1_000))),
        test("other data", &["20 with other data than before", "messages is `messages-"])
            .world(|world| application(world, migrate::sim::SimulatedSessions::alter_data)),
        test("another user", &["20 with other data than before", "is served another user's identity"])
            .world(|world| application(world, migrate::sim::SimulatedSessions::mix_up)),
        Scenario::new(
            "switched_target_check",
            "nobody was there before",
            FailureClass::Inconclusive,
            &["no synthetic users were opened on production-1 before the change"],
        )
        .world(|world| {
            world.edit(|state| {
                let directories = state.hosts.get_mut(HOST).unwrap().directories.values_mut();
                directories.for_each(|directory| directory.files.retain(|path, _| !path.contains("cohort")));
            });
        }),
    ]
}
