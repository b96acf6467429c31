//! The ways in which a store-loss drill has to fail, and how it begins anew.

use std::time::Duration;

use migrate::core::{Failure, Measurement, Outcome, Verdict};
use migrate::ports::Clock;
use migrate::sim::{CutEdge, World};
use migrate::steps::{Condition, Presence};

use super::site;
use super::stage::Stage;

const KIND: &str = "store_loss_drill";

/// The drill, from its beginning to what it measured.
async fn drill(stage: &mut Stage) -> Result<Vec<Measurement>, Failure> {
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.apply(&id, &*step).await.map_err(|failed| failed.failure)?;
    step.verify(&stage.reader(&stage.facts), &stage.facts).await
}

async fn broken(settings: fn(&mut serde_json::Value), world: fn(&World)) -> Vec<Measurement> {
    let plan = site::plan_with(site::rollout(), |step| {
        if step.kind.as_str() == KIND {
            settings(&mut step.settings);
        }
    });
    let mut stage = Stage::before_in(plan, KIND).await;
    world(&stage.world);
    drill(&mut stage).await.unwrap()
}

#[tokio::test]
async fn a_bridged_copy_passes_and_every_word_is_a_number() {
    let measured = broken(|_| {}, |_| {}).await;
    let words: Vec<&str> = measured.iter().map(|one| one.summary.as_str()).collect();
    assert!(measured.iter().all(|one| one.verdict == Verdict::Pass), "{words:#?}");
    for expected in [
        "was cut for",
        "users from before the cut:",
        "users who signed in during the cut:",
        "under load without the store",
        "read from the store again",
        "no session was lost: 5 users from before the cut and 5 from during it",
    ] {
        assert!(words.iter().any(|words| words.contains(expected)), "`{expected}` is not in {words:#?}");
    }
}

/// One way in which it has to fail.
struct Scenario {
    name: &'static str,
    settings: fn(&mut serde_json::Value),
    world: fn(&World),
    verdict: Verdict,
    words: &'static str,
}

impl Scenario {
    fn new(name: &'static str, verdict: Verdict, words: &'static str) -> Self {
        Self { name, settings: |_| {}, world: |_| {}, verdict, words }
    }

    fn settings(self, settings: fn(&mut serde_json::Value)) -> Self {
        Self { settings, ..self }
    }

    fn world(self, world: fn(&World)) -> Self {
        Self { world, ..self }
    }
}

#[tokio::test]
async fn it_fails_where_it_has_to() {
    use Verdict::{Abort, Hold, Inconclusive};
    let scenarios = [
        Scenario::new("500s", Abort, "status of 500").world(|world| world.edit(|state| state.store_loss.fails = true)),
        Scenario::new("500s under load", Abort, "under load without the store")
            .world(|world| world.edit(|state| state.store_loss.fails = true)),
        Scenario::new("forgets at once", Abort, "users from before the cut:")
            .world(|world| world.edit(|state| state.store_loss.forgets = Some(CutEdge::Beginning))),
        Scenario::new("forgets afterwards", Abort, "after the cut")
            .world(|world| world.edit(|state| state.store_loss.forgets = Some(CutEdge::End))),
        Scenario::new("slow", Hold, "99th percentile")
            .world(|world| world.edit(|state| state.store_loss.slower = 100.0)),
        Scenario::new("hangs", Hold, "users from before the cut: without the store an answer took")
            .world(|world| world.edit(|state| state.store_loss.hangs = Duration::from_secs(9))),
        Scenario::new("hangs all the while", Inconclusive, "none during it")
            .world(|world| world.edit(|state| state.store_loss.hangs = Duration::from_secs(60))),
        Scenario::new("never recovers", Abort, "still did not read from the store")
            .world(|world| world.edit(|state| state.store_loss.notices_after = None)),
        Scenario::new("recovers late", Abort, "3s after the path was whole")
            .settings(|settings| settings["recovery"] = "3s".into()),
        Scenario::new("not cut", Inconclusive, "the path was not cut: a connection attempt")
            .world(|world| world.edit(|state| state.paths.is_bypassed = true)),
        Scenario::new("another store", Inconclusive, "from `redis` all the same")
            .world(|world| world.edit(|state| state.store_loss.is_untouched = true)),
        Scenario::new("could not cut", Inconclusive, "sudo: a password is required").world(|world| {
            world.edit(|state| state.paths.failure = Some("sudo: a password is required".into()));
        }),
        Scenario::new("too little load", Inconclusive, "say nothing about a 99th percentile")
            .settings(|settings| settings["load_users"] = 1.into()),
    ];
    for Scenario { name, settings, world, verdict, words } in scenarios {
        let measured = broken(settings, world).await;
        let found = measured.iter().find(|one| one.summary.contains(words) && one.verdict == verdict);
        assert!(found.is_some(), "{name}: no {verdict} with `{words}` in {measured:#?}");
    }
}

#[tokio::test]
async fn without_sudo_it_is_refused_and_nothing_happened() {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.world.edit(|state| state.paths.is_denied = true);
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean);
    assert!(failed.failure.hint.is_some(), "{failed}");
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
}

#[tokio::test]
async fn a_copy_that_is_not_on_the_store_has_nothing_to_lose() {
    let measured = broken(
        |_| {},
        |world| {
            world.edit(|state| {
                let copies = state.applications.values_mut();
                copies.for_each(|copy| copy.sessions.place = migrate::sim::SessionPlace::Files);
            });
        },
    )
    .await;
    assert_eq!(measured.len(), 1, "{measured:#?}");
    assert_eq!(measured[0].verdict, Verdict::Inconclusive);
    assert!(measured[0].summary.contains("not from `redis`"), "{}", measured[0].summary);
}

#[tokio::test]
async fn a_cut_that_nobody_watched_is_made_anew() {
    for waited in [11, 20, 200] {
        let mut stage = Stage::before(KIND).await;
        let (id, step) = (stage.id(KIND), stage.change(KIND));
        stage.apply(&id, &*step).await.unwrap();
        assert_eq!(stage.probe_blind(&*step).await, Presence::Ours(Condition::Usable));
        stage.world.sleep(Duration::from_secs(waited)).await;
        let presence = stage.probe_blind(&*step).await;
        assert!(matches!(presence, Presence::Ours(Condition::Broken(_))), "after {waited} s: {presence:?}");
        stage.take_down(&id, &*step).await;
        stage.bring_up(&id, &*step).await;
    }
}

#[tokio::test]
async fn a_watch_that_comes_too_late_concludes_nothing() {
    let mut stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.apply(&id, &*step).await.unwrap();
    stage.world.sleep(Duration::from_secs(16)).await;
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Inconclusive, "{measured:#?}");
    assert!(measured[0].summary.contains("no longer ahead"), "{}", measured[0].summary);
}

#[tokio::test]
async fn who_cannot_sign_in_before_the_cut_proves_nothing() {
    let measured = broken(
        |_| {},
        |world| {
            world.edit(|state| {
                let broken = |copy: &mut migrate::sim::SimulatedApplication| {
                    copy.sessions.broken.insert("POST /login".into(), "500 (simulated)".into());
                };
                state.applications.values_mut().for_each(broken);
            });
        },
    )
    .await;
    assert_eq!((measured.len(), measured[0].verdict), (1, Verdict::Inconclusive), "{measured:#?}");
    assert!(measured[0].summary.contains("before the cut"), "{}", measured[0].summary);
}
