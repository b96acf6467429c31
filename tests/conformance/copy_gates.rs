//! What the gates of the copy do with a healthy one, with one that does not answer, and with what nobody may read.

use migrate::core::{ChecklistItem, FailureClass, Verdict};
use migrate::ports::CensusFacts;
use migrate::sim::{CacheServer, Fault};

use super::copy_scenarios::copy;
use super::stage::Stage;

#[tokio::test]
async fn a_session_is_found_where_it_belongs_and_its_id_is_not_told() {
    let stage = Stage::before("right_store_proof").await;
    let seen = stage.observe("right_store_proof").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    assert_eq!(seen.measurements.len(), 4);
    let keys: Vec<String> =
        stage.world.edit(|state| state.stores.values().flat_map(|store| store.keys.keys().cloned()).collect());
    let sid = keys[0].strip_prefix("chatmrpt-sessions:copy:").unwrap();
    let shown = format!("{seen:?}");
    assert!(!shown.contains(sid), "a session's id is as good as a password: {shown}");
    assert!(!shown.contains(&"4f".repeat(32)), "the trial token is shown");
}

#[tokio::test]
async fn another_store_on_staging_is_no_harm_when_the_session_is_not_in_it() {
    for token in [None, Some("secret".to_owned())] {
        let stage = Stage::before("right_store_proof").await;
        let server = CacheServer::new("somebody-else".into(), "7.0".into(), false, token.clone());
        stage.world.edit(|state| state.stores.insert("127.0.0.1:6379".into(), server));
        let seen = stage.observe("right_store_proof").await.unwrap();
        assert!(seen.failure.is_none(), "{:?}", seen.failure);
        let words = if token.is_some() { "refuses connections (NOAUTH" } else { "is not on the other store" };
        assert!(seen.measurements.iter().any(|measured| measured.summary.contains(words)), "{:?}", seen.measurements);
    }
}

#[tokio::test]
async fn a_copy_without_trial_endpoints_is_no_copy_of_ours() {
    for kind in ["right_store_proof", "data_gate"] {
        let stage = Stage::before(kind).await;
        copy(&stage.world, |sessions| sessions.trial = None);
        let failure = stage.observe(kind).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Permanent, "{kind}: {failure}");
        assert!(failure.message.contains("trial endpoints are off"), "{kind}: {failure}");
        assert!(failure.hint.is_some());
    }
    let stage = Stage::before("data_gate").await;
    copy(&stage.world, |sessions| sessions.trial.as_mut().unwrap().token = Some("another".into()));
    let failure = stage.observe("data_gate").await.unwrap_err();
    assert!(failure.message.contains("another token than the one in /home/ec2-user/ChatMRPT-redis-test/"), "{failure}");
}

#[tokio::test]
async fn nobody_on_the_port_is_tried_again_by_the_engine() {
    for kind in ["right_store_proof", "data_gate", "side_by_side_comparison"] {
        let stage = Stage::before(kind).await;
        stage.world.edit(|state| state.applications.remove("127.0.0.1:8081"));
        let failure = stage.observe(kind).await.unwrap_err();
        assert!(failure.class.is_retryable(), "{kind}: {failure}");
    }
}

#[tokio::test]
async fn values_are_read_in_every_worker_before_and_after_the_restart() {
    let stage = Stage::before("data_gate").await;
    copy(&stage.world, |sessions| sessions.workers = Some(4));
    let seen = stage.observe("data_gate").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    let values = &seen.measurements[0];
    assert_eq!(values.proves, [ChecklistItem::DataFramesSerialize]);
    assert!(values.summary.contains("in 4 workers and after a restart"), "{}", values.summary);
    let workers = values.data["workers"].as_array().unwrap();
    assert_eq!(workers.len(), 8, "four old ones and four new ones: {workers:?}");
    assert!(seen.measurements[1].summary.contains("two users got what they expect from 16 requests"));
}

#[tokio::test]
async fn a_restart_in_which_nobody_answers_for_a_while_is_waited_for() {
    let stage = Stage::before("data_gate").await;
    // One to write, four a round to read in six rounds, one to restart: these are the first ones after that.
    for nth in 27..=31 {
        stage.world.fail("browser.request", nth, Fault::LostBefore);
    }
    let seen = stage.observe("data_gate").await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    assert_eq!(stage.world.fired().len(), 5);
}

#[tokio::test]
async fn a_census_judges_nothing_and_names_what_will_hurt() {
    let stage = Stage::before("session_census").await;
    stage.world.edit(|state| {
        state.census = CensusFacts {
            sessions: 9,
            redis_bytes: [1_000, 2_000, 2 << 20],
            unserializable: [("app.Cart".to_owned(), 3)].into(),
            ..CensusFacts::default()
        };
    });
    let seen = stage.observe("session_census").await.unwrap();
    let counted = &seen.measurements[0];
    assert_eq!((counted.verdict, counted.resource.as_str()), (Verdict::Pass, "staging"));
    assert!(counted.summary.contains("app.Cart in 3"), "{}", counted.summary);
    assert!(counted.summary.contains("would bloat: the largest takes 2.0 MiB"), "{}", counted.summary);
    assert_eq!(counted.data["sessions"], 9);
}
