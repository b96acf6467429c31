//! Synthetic users who must not notice a change: opened, asked on either side of a switch, and asked a last time.

use migrate::core::rollout::LoadBalancer;
use migrate::core::{FailureClass, Outcome, Verdict};
use migrate::ports::{Clock, WriteFailure};
use migrate::sim::{Fault, SimulatedSessions};
use migrate::steps::{Change, Condition, Presence};

use super::releases::{HOST, LIVE, application, switch, switch_back};
use super::site;
use super::stage::Stage;

const KIND: &str = "session_cohort";

async fn before() -> (Stage, Box<dyn Change>) {
    let stage = Stage::before(KIND).await;
    let step = stage.change(KIND);
    (stage, step)
}

async fn opened() -> (Stage, Box<dyn Change>) {
    let (mut stage, step) = before().await;
    let id = stage.id(KIND);
    stage.bring_up(&id, &*step).await;
    (stage, step)
}

fn file(stage: &Stage) -> Option<(u32, String)> {
    stage.world.edit(|state| {
        let directories = &state.hosts.get(HOST).unwrap().directories;
        let file = directories[&format!("{LIVE}.releases")].files.get(".migrate/cohort.json");
        file.map(|file| (file.mode, file.content.expose().to_owned()))
    })
}

/// What the users meet with now.
async fn asked(stage: &Stage, step: &dyn Change) -> (Verdict, String) {
    let measured = stage.verify(step).await;
    let shown = format!("{measured:?}");
    assert!(!shown.contains(".signature"), "a cookie is shown: {shown}");
    (measured[1].verdict, measured[1].summary.clone())
}

async fn refused(stage: &mut Stage, step: &dyn Change) -> WriteFailure {
    let id = stage.id(KIND);
    let failed = stage.apply(&id, step).await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
    assert!(failed.failure.hint.is_some(), "{failed}");
    assert_eq!(file(stage), None);
    failed
}

#[tokio::test]
async fn they_are_kept_in_a_file_that_only_its_owner_can_read() {
    let (stage, step) = opened().await;
    let (mode, text) = file(&stage).unwrap();
    assert_eq!(mode, 0o600);
    let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    let numbers: Vec<u64> =
        kept["users"].as_array().unwrap().iter().map(|user| user["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (9_000_004..9_000_024).collect::<Vec<_>>());
    // As far as the user stays known: what comes after signing out is not asked.
    let titles: Vec<&str> =
        kept["scripts"][0]["questions"].as_array().unwrap().iter().map(|it| it["get"].as_str().unwrap()).collect();
    assert_eq!(titles, ["/whoami", "/frame", "/counter"]);
    assert_eq!(kept["users"][0]["answers"]["0"]["values"]["identity"], "user-9000004");
    assert!(kept["users"][0]["written"]["0"]["messages"].is_string(), "{}", kept["users"][0]["written"]);
    let measured = stage.verify(&*step).await;
    assert_eq!(measured[0].summary, "20 users are on production-1; 80 of 80 answers to them are the same every time");
}

#[tokio::test]
async fn both_ways_over_a_switch_nobody_notices_anything() {
    let (mut stage, step) = opened().await;
    let kept = "all 20 users of production-1 are who they were, with the data they had";
    assert_eq!(asked(&stage, &*step).await, (Verdict::Pass, kept.into()));
    switch(&mut stage).await;
    assert_eq!(asked(&stage, &*step).await, (Verdict::Pass, format!("{kept} (20 read from old)")));
    assert_eq!(asked(&stage, &*step).await, (Verdict::Pass, format!("{kept} (20 read from redis)")));
    switch_back(&mut stage).await;
    assert_eq!(asked(&stage, &*step).await, (Verdict::Pass, kept.into()));
    let id = stage.id(KIND);
    stage.take_down(&id, &*step).await;
    assert_eq!(file(&stage), None);
    assert!(
        stage.heard.all().iter().any(|news| news.message == kept),
        "the rollback does not say that nobody was lost"
    );
}

#[tokio::test]
async fn the_way_back_says_who_was_lost_and_waits_for_nobody() {
    let (mut stage, _) = opened().await;
    switch(&mut stage).await;
    application(&stage.world, |sessions| sessions.forget(2));
    switch_back(&mut stage).await;
    let said = |stage: &Stage, words: &str| stage.heard.all().iter().any(|news| news.message.contains(words));
    assert!(said(&stage, "2 not known any more"), "{:?}", stage.heard.all());

    switch(&mut stage).await;
    stage.world.fail_always("browser.request", Fault::LostBefore);
    let began = stage.world.elapsed();
    switch_back(&mut stage).await;
    let took = stage.world.elapsed().saturating_sub(began).as_secs_f64();
    assert!(took < 15.0, "four seconds for the switch, ten for them: {took} s");

    stage.world.calm();
    switch(&mut stage).await;
    stage.world.fail_always("target.private_file", Fault::Deny);
    switch_back(&mut stage).await;
    assert!(
        said(&stage, "the synthetic users opened before the change could not be checked"),
        "{:?}",
        stage.heard.all()
    );
}

#[tokio::test]
async fn a_rollback_that_lost_somebody_says_so_once_and_goes_on() {
    let (mut stage, step) = opened().await;
    let id = stage.id(KIND);
    application(&stage.world, |sessions| sessions.forget(2));
    let failed = stage.undo(&id, &*step).await.unwrap_err();
    assert!(!failed.failure.class.is_retryable() && failed.failure.hint.is_some(), "{failed:?}");
    assert!(failed.failure.message.contains("2 not known any more"), "{failed}");
    assert!(!failed.failure.message.contains(".signature"), "{failed}");
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
    stage.take_down(&id, &*step).await;
}

#[tokio::test]
async fn a_rollback_asks_again_before_it_says_that_nobody_answers() {
    let (mut stage, step) = opened().await;
    let id = stage.id(KIND);
    // Twenty users, each of them twice, and then all is well.
    (1..=40).for_each(|nth| stage.world.fail("browser.request", nth, Fault::LostBefore));
    stage.undo(&id, &*step).await.unwrap();
    stage.journal.undone(&id);
    assert_eq!(file(&stage), None);
    stage.bring_up(&id, &*step).await;
    stage.world.fail_always("browser.request", Fault::LostBefore);
    let failed = stage.undo(&id, &*step).await.unwrap_err();
    assert!(failed.failure.message.contains("20 without an answer"), "{failed}");
}

#[tokio::test]
async fn a_file_that_nobody_can_read_is_broken_and_can_be_removed() {
    let (mut stage, step) = opened().await;
    let id = stage.id(KIND);
    let change = |stage: &Stage, change: fn(&mut migrate::sim::SimulatedFile)| {
        stage.world.edit(|state| {
            let directories = state.hosts.get_mut(HOST).unwrap().directories.values_mut();
            directories.filter_map(|directory| directory.files.get_mut(".migrate/cohort.json")).for_each(change);
        });
    };
    change(&stage, |file| file.mode = 0o644);
    let presence = stage.probe(&*step).await;
    assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains("644")), "{presence:?}");
    change(&stage, |file| {
        file.mode = 0o600;
        file.content = migrate::core::Secret::new("{\"version\": 9}".into());
    });
    let presence = stage.probe(&*step).await;
    assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains("version 9")), "{presence:?}");
    stage.take_down(&id, &*step).await;
}

#[tokio::test]
async fn an_application_that_fails_before_the_change_is_not_changed() {
    let (mut stage, step) = before().await;
    application(&stage.world, |sessions| {
        sessions.broken.insert("POST /upload".into(), "no room".into());
    });
    let failed = refused(&mut stage, &*step).await;
    assert_eq!(failed.failure.class, FailureClass::Gate);
    assert!(failed.failure.message.contains("production-1 fails `analyst/POST /upload` before it is changed: no room"));
}

#[tokio::test]
async fn a_session_that_is_another_one_after_every_visit_cannot_be_kept() {
    let (mut stage, step) = before().await;
    application(&stage.world, |sessions| sessions.renews_ids = true);
    let failed = refused(&mut stage, &*step).await;
    assert!(failed.failure.message.contains("with the cookies that it gave"), "{failed}");
}

#[tokio::test]
async fn without_a_request_that_tells_who_is_who_nothing_can_be_proven() {
    let mut rollout = site::shorter();
    rollout.journeys[0].requests.retain(|request| request.post.is_some());
    let mut stage = Stage::new(site::plan(rollout));
    let (room, made) = (stage.id("release_room"), stage.change("release_room"));
    stage.bring_up(&room, &*made).await;
    let step = stage.change(KIND);
    let failed = refused(&mut stage, &*step).await;
    assert!(failed.failure.message.contains("tells a known user from a stranger"), "{failed}");
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_is_no_verdict() {
    let stage = Stage::before("switched_target_check").await;
    stage.world.edit(|state| {
        let away = migrate::core::Failure::transient("ssh: connect to host: timed out");
        state.hosts.get_mut(HOST).unwrap().unreachable = Some(away);
        state.applications.clear();
    });
    let failure = stage.observe("switched_target_check").await.unwrap_err();
    assert!(failure.class.is_retryable(), "{failure}");
}

#[tokio::test]
async fn a_passing_hiccup_is_no_verdict_either() {
    let stage = Stage::before("switched_target_check").await;
    stage.world.fail("browser.request", 1, Fault::LostBefore);
    stage.world.fail("browser.request", 30, Fault::LostBefore);
    let seen = stage.observe("switched_target_check").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    // Each side is a measurement of its own.
    let words: Vec<&str> = seen.measurements.iter().map(|measured| measured.summary.as_str()).collect();
    for side in [
        "has 2 workers on production-1",
        "answers 200 without a cookie",
        "answers 200 with a cookie",
        "two users got what they expect",
        "settings of the bridge are in force",
        "production-1 keeps its sessions under `chatmrpt-sessions:live:`",
        "a session opened on production-1 is on",
        "all 20 users of production-1 are who they were, with the data they had (",
        "chatmrpt-web sends users to production-1",
    ] {
        assert!(words.iter().any(|words| words.contains(side)), "{side}: {words:#?}");
    }
}

#[tokio::test]
async fn without_a_load_balancer_nobody_is_asked_about_it() {
    let mut rollout = site::shorter();
    rollout.production.load_balancer = LoadBalancer::None(migrate::core::rollout::NoLoadBalancer::None);
    let stage = Stage::before_in(site::plan(rollout), "switched_target_check").await;
    let seen = stage.observe("switched_target_check").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    assert!(seen.measurements.iter().any(|measured| measured.summary.contains("there is no load balancer")));
    // The page that is asked for instead is one of the journeys', which a stranger may be refused.
    application(&stage.world, |sessions| sessions.fails_with_a_session = true);
    let failure = stage.observe("switched_target_check").await.unwrap().failure.unwrap();
    assert!(failure.message.contains("GET /whoami on production-1 answers 200 without a cookie and 500"), "{failure}");
}

#[test]
fn a_way_back_forgets_nothing() {
    let mut sessions = SimulatedSessions::default();
    sessions.go_to_release("a");
    assert_eq!(sessions.prefix, "a:live:");
    sessions.go_to_original();
    assert!(sessions.trial.is_none() && sessions.prefix == "session:");
}
