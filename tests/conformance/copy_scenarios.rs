//! The ways in which a copy has to fail before it is compared: on the wrong store, or with values that do not survive.

use migrate::core::FailureClass;
use migrate::core::rollout::Rollout;
use migrate::sim::{CacheServer, Damage, DamagedBy, SessionPlace, SimulatedSessions, State, World};

use super::scenarios::Scenario;

/// Changes what the copy does with sessions.
pub fn copy(world: &World, change: impl FnOnce(&mut SimulatedSessions)) {
    world.edit(|state| change(&mut state.applications.get_mut("127.0.0.1:8081").unwrap().sessions));
}

fn cluster(state: &mut State) -> &mut CacheServer {
    state.stores.values_mut().next().unwrap()
}

/// A store on staging itself, as Flask-Session falls back to.
fn local_store(world: &World) {
    let server = CacheServer::new("local".into(), "7.0".into(), false, None);
    world.edit(|state| state.stores.insert("127.0.0.1:6379".into(), server));
}

fn damage(world: &World, found: Option<&str>, by: DamagedBy) {
    let (name, expected) = ("DataFrame".to_owned(), "dtype int64".to_owned());
    let damage = Damage { name, expected, found: found.map(str::to_owned), by };
    copy(world, |sessions| sessions.trial.as_mut().unwrap().damage.push(damage));
}

fn only_posts(rollout: &mut Rollout) {
    rollout.journeys.iter_mut().for_each(|journey| journey.requests.retain(|request| request.post.is_some()));
}

pub fn scenarios() -> Vec<Scenario> {
    let mut all = settings();
    all.extend(right_store());
    all.extend(values());
    all
}

fn settings() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("effective_settings", name, class, words);
    vec![
        test("a variable that nobody reads", Gate, &["no code reads SESSION_TYPE: it has no effect"])
            .rollout(|rollout| {
                rollout.staging.copy.environment.insert("SESSION_TYPE".into(), "redis".into());
            })
            .world(|world| {
                copy(world, |sessions| sessions.trial.as_mut().unwrap().unread.push("SESSION_TYPE".into()));
            }),
        test("a setting that is not in force", Gate, &["MIGRATE_SESSIONS_WRITE is \"redis\", and was set to `both`"])
            .world(|world| {
                copy(world, |sessions| {
                    let other = &mut sessions.trial.as_mut().unwrap().other_settings;
                    other.insert("MIGRATE_SESSIONS_WRITE".into(), "redis".into());
                });
            }),
        test("the copy died", Gate, &["the copy does not run"]).world(|world| {
            world.edit(|state| state.hosts.values_mut().for_each(|host| host.gunicorns.clear()));
        }),
        test("a journey fails", Gate, &["`analyst/GET /frame` fails for user 1: not a DataFrame"]).world(|world| {
            copy(world, |sessions| {
                sessions.broken.insert("GET /frame".into(), "not a DataFrame".into());
            });
        }),
        test("a worker never answers", Inconclusive, &["2 of 3 workers answered"]).world(|world| {
            world.edit(|state| {
                let gunicorns = state.hosts.values_mut().flat_map(|host| host.gunicorns.values_mut());
                // A third one that is counted, and whose number no answer has.
                gunicorns.for_each(|facts| facts.workers.push(facts.workers[0]));
            });
        }),
    ]
}

fn right_store() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("right_store_proof", name, class, words);
    vec![
        test(
            "the wrong store",
            Gate,
            &["the copy is on the wrong store", "the copy's session is on 127.0.0.1:6379 of staging, another server"],
        )
        .world(|world| {
            local_store(world);
            copy(world, |sessions| sessions.place = SessionPlace::Store("127.0.0.1:6379".into()));
        }),
        test("a store that nobody sees", Gate, &["it writes to another store than its environment says"])
            .world(|world| copy(world, |sessions| sessions.place = SessionPlace::Store("elsewhere:6379".into()))),
        test("a prefix that nobody reads", Gate, &["keeps its sessions under `session:`, not under", "is not read"])
            .world(|world| {
                copy(world, |sessions| {
                    sessions.prefix = "session:".into();
                });
            }),
        test("the copy says something else than it does", Gate, &["keeps its sessions under `other:`"]).world(
            |world| {
                copy(world, |sessions| sessions.trial.as_mut().unwrap().says_prefix = Some("other:".into()));
            },
        ),
        test("the store is out of reach", Gate, &["reads its session from `old`", "does not reach the store"])
            .world(|world| copy(world, |sessions| sessions.place = SessionPlace::Files)),
        test("another server behind the name", Gate, &["another server than the one that was tested", "it was"])
            .world(|world| world.edit(|state| cluster(state).run_id = "replaced".into())),
        test("the endpoint is staging itself", Gate, &["is a store on staging itself"]).world(|world| {
            local_store(world);
            world.edit(|state| {
                let tested = cluster_run_id(state);
                state.stores.get_mut("127.0.0.1:6379").unwrap().run_id = tested;
            });
        }),
        test("the original's cookie", Gate, &["sets no cookie `chatmrpt_sessions_copy_session` (it sets session)"])
            .world(|world| copy(world, |sessions| sessions.cookie = "session".into())),
        test("the original's files", Gate, &["the original knows the copy's session", "`GET /whoami`"])
            .world(|world| copy(world, |sessions| sessions.spills_into = Some("127.0.0.1:8080".into()))),
        test("nobody can log in", Gate, &["the copy fails `analyst/POST /login`: no route"]).world(|world| {
            copy(world, |sessions| {
                sessions.broken.insert("POST /login".into(), "no route".into());
            });
        }),
        test("nobody can log in to the original", Inconclusive, &["the original fails `analyst/POST /login`"]).world(
            |world| {
                world.edit(|state| {
                    let original = state.applications.get_mut("127.0.0.1:8080").unwrap();
                    original.sessions.broken.insert("POST /login".into(), "no route".into());
                });
            },
        ),
        test("nothing tells who is who", Inconclusive, &["tells a known user of the original from a stranger"])
            .rollout(only_posts),
        test("no journeys", Inconclusive, &["declares no `journeys`"]).rollout(|rollout| rollout.journeys.clear()),
    ]
}

fn cluster_run_id(state: &State) -> String {
    let cluster = state.stores.iter().find(|(endpoint, _)| !endpoint.starts_with("127."));
    cluster.unwrap().1.run_id.clone()
}

fn values() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("data_gate", name, class, words);
    vec![
        test(
            "another dtype in another worker",
            Gate,
            &["in another worker, `DataFrame` is dtype float64, expected dtype int64"],
        )
        .world(|world| damage(world, Some("dtype float64"), DamagedBy::AnotherWorker)),
        test("another dtype after a restart", Gate, &["after a restart of the workers, `DataFrame` is dtype object"])
            .world(|world| damage(world, Some("dtype object"), DamagedBy::Restart)),
        test("a value is gone after a restart", Gate, &["after a restart of the workers, `DataFrame` is missing"])
            .world(|world| damage(world, None, DamagedBy::Restart)),
        test("a value is never what it was", Gate, &["`DataFrame` is list, expected dtype int64"])
            .world(|world| damage(world, Some("list"), DamagedBy::Reading)),
        test("a single worker", Inconclusive, &["only one worker of the copy (", "needs two or more workers"])
            .world(|world| copy(world, |sessions| sessions.workers = Some(1))),
        test("nothing restarts", Gate, &["no new workers answered within 60 s", "2000, 2001 still do"])
            .world(|world| copy(world, |sessions| sessions.restarts = false)),
        test("a restart that takes too long", Gate, &["no new workers answered within 5 s"])
            .settings(|settings| settings["restart_within"] = "5s".into())
            .world(|world| copy(world, |sessions| sessions.restart_takes = std::time::Duration::from_secs(9))),
        test("no values", Inconclusive, &["the copy wrote no values"])
            .world(|world| copy(world, |sessions| sessions.trial.as_mut().unwrap().types.clear())),
        test("a journey breaks", Gate, &["`analyst/GET /frame` fails for user 1: /kind is \"list\""]).world(|world| {
            copy(world, |sessions| {
                sessions.broken.insert("GET /frame".into(), "/kind is \"list\"".into());
            });
        }),
        test("no journeys", Inconclusive, &["no journey was walked"]).rollout(|rollout| rollout.journeys.clear()),
    ]
}
