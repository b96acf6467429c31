//! A process dies inside each write, before its effect and after it.

use migrate::sim::Fault;

use crate::stage::{Command, Stage, was_killed};
use crate::whole::passed;

const CRASHES: [Fault; 2] = [Fault::CrashBefore, Fault::CrashAfter];

#[tokio::test]
async fn phase_1_killed_inside_every_write_ends_the_same() {
    let whole = passed().await;
    let (writes, end) = (whole.world.writes().len(), whole.end().await);
    assert!(writes >= 4, "{writes} writes");
    for write in (1..).take(writes) {
        for crash in CRASHES {
            let place = format!("{crash:?} write {write}");
            let stage = Stage::new();
            stage.world.fail_write(write, crash);
            assert!(was_killed(&stage.run(Command::Phase, None).await), "{place}");
            assert_eq!(stage.world.fired().len(), 1, "{place}: it failed at the place that was meant");
            stage.run(Command::Phase, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(stage.end().await, end, "{place}");
            stage.made_once(&place);
        }
    }
}

#[tokio::test]
async fn phase_1_killed_inside_every_write_can_be_rolled_back() {
    let writes = passed().await.world.writes().len();
    for write in (1..).take(writes) {
        for crash in CRASHES {
            let place = format!("{crash:?} write {write}");
            let stage = Stage::new();
            stage.world.fail_write(write, crash);
            assert!(was_killed(&stage.run(Command::Phase, None).await), "{place}");
            stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            stage.is_empty(&place).await;
        }
    }
}

#[tokio::test]
async fn a_rollback_killed_inside_every_write_goes_on() {
    let whole = passed().await;
    let before = whole.world.writes().len();
    whole.run(Command::Rollback, None).await.expect("nothing goes wrong");
    let writes = whole.world.writes().len() - before;
    assert!(writes >= 4, "{writes} writes");
    for write in (1..).take(writes) {
        for crash in CRASHES {
            let place = format!("{crash:?} write {write} of the rollback");
            let stage = passed().await;
            stage.world.fail_write(write, crash);
            assert!(was_killed(&stage.run(Command::Rollback, None).await), "{place}");
            stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            stage.is_empty(&place).await;
        }
    }
}
