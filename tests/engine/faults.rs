//! A fault at every write: the same command gets there in the end, or a rollback does.

use migrate::engine::Stop;
use migrate::sim::Fault;

use crate::stage::{Command, Stage};
use crate::whole::passed;

#[tokio::test]
async fn what_passes_by_itself_is_waited_out() {
    let whole = passed().await;
    let (writes, end) = (whole.world.writes().len(), whole.end().await);
    for write in (1..).take(writes) {
        for fault in [Fault::Throttle, Fault::LostReply, Fault::LostBefore] {
            let place = format!("{fault:?} at write {write}");
            let stage = Stage::new();
            stage.world.fail_write(write, fault);
            stage.run(Command::Phase, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(stage.world.fired().len(), 1, "{place}: it failed at the place that was meant");
            assert_eq!(stage.end().await, end, "{place}");
            stage.made_once(&place);
        }
    }
}

#[tokio::test]
async fn what_is_refused_stops_the_run_and_is_mended_by_the_same_command() {
    let whole = passed().await;
    let (writes, end) = (whole.world.writes().len(), whole.end().await);
    for write in (1..).take(writes) {
        for fault in [Fault::Deny, Fault::Permanent] {
            let place = format!("{fault:?} at write {write}");
            let stage = Stage::new();
            stage.world.fail_write(write, fault);
            let stop = stage.run(Command::Phase, None).await.expect_err(&place);
            assert!(matches!(stop, Stop::Failed { .. }), "{place}: {stop}");
            stage.run(Command::Phase, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(stage.end().await, end, "{place}");
            stage.made_once(&place);
        }
    }
}

#[tokio::test]
async fn a_refused_undo_is_stuck_and_the_next_rollback_gets_there() {
    let whole = passed().await;
    let before = whole.world.writes().len();
    whole.run(Command::Rollback, None).await.expect("nothing goes wrong");
    let writes = whole.world.writes().len() - before;
    for write in (1..).take(writes) {
        let place = format!("write {write} of the rollback");
        let stage = passed().await;
        stage.world.fail_write(write, Fault::Permanent);
        let stop = stage.run(Command::Rollback, None).await.expect_err(&place);
        assert!(matches!(stop, Stop::Stuck { .. }), "{place}: {stop}");
        assert!(stage.state().stuck().is_some(), "{place}");
        let refused = stage.run(Command::Phase, None).await.expect_err(&place);
        assert!(matches!(refused, Stop::Stuck { .. }), "{place}: going forward is refused: {refused}");
        stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        stage.is_empty(&place).await;
    }
}

#[tokio::test]
async fn noise_changes_nothing_about_the_end() {
    let end = passed().await.end().await;
    for seed in 0..8 {
        let stage = Stage::new();
        stage.world.noise(seed, 2);
        let mut ended = stage.run(Command::Phase, None).await;
        for _ in 0..20 {
            if ended.is_ok() {
                break;
            }
            ended = stage.run(Command::Phase, None).await;
        }
        assert!(ended.is_ok(), "seed {seed}: {ended:?}");
        assert!(!stage.world.fired().is_empty(), "seed {seed} made no noise");
        stage.world.calm();
        assert_eq!(stage.end().await, end, "seed {seed}");
        stage.made_once(&format!("seed {seed}"));
    }
}
