//! A soak that says Abort in the simulator: what it guards is undone, wherever the process dies, and nobody types
//! anything for it.

use migrate::core::{Direction, Exit, Phase, Resolution, StepStatus, Verdict};
use migrate::engine::Stop;
use migrate::sim::Fault;

use crate::soak_stage::{Fate, put, ready, record, short, stands, status, take};
use crate::stage::{Command, Cut, Stage, was_killed};

/// A copy that is bad from the beginning.
async fn bad() -> Stage {
    let stage = ready(short()).await;
    take(&stage.world, "healthy");
    stage
}

/// Asserts that the copy was taken back, that the run is at rest, and that everybody can know why.
fn is_taken_back(stage: &Stage, ended: &Result<(), Stop>, place: &str) {
    let Err(stop @ Stop::Failed { step, failure }) = ended else { panic!("{place}: {ended:?}") };
    assert_eq!((step.as_str(), stop.exit()), ("2.soak", Exit::GateFailed), "{place}");
    assert!(failure.message.contains("bad on staging"), "{place}: {failure}");
    assert!(stop.hint().is_some_and(|hint| hint.contains("(2.copy) was undone")), "{place}: {:?}", stop.hint());
    assert!(!stands(stage, "copy"), "{place}");
    let state = stage.state();
    assert_eq!((state.direction(), state.stuck()), (Direction::Idle, None), "{place}");
    assert_eq!(status(stage, "2.copy"), Some(StepStatus::Undone), "{place}");
    let record = record(stage, "2.soak");
    assert_eq!((record.status, record.verdict), (StepStatus::Undone, Some(Verdict::Abort)), "{place}");
    assert_eq!(record.observed_seconds, 0, "{place}: the old copy was watched, not the next one");
    assert!(record.failure.is_some_and(|failure| failure.message.contains("bad on staging")), "{place}");
}

#[tokio::test]
async fn in_the_middle_of_a_soak_the_copy_is_taken_back_and_asked_for_again_it_is_judged_anew() {
    let stage = ready(short()).await;
    let fate = Fate::of(&stage).after(3, |world| take(world, "healthy"));
    let ended = stage.heard(Command::Copy, fate.sink()).await;
    is_taken_back(&stage, &ended, "at once");
    let again = stage.run(Command::Copy, None).await;
    is_taken_back(&stage, &again, "nothing has become better");
    put(&stage.world, "healthy");
    stage.run(Command::Copy, None).await.expect("it is mended");
    assert!(stands(&stage, "copy") && stage.state().has_passed(Phase::StagingCopy));
    assert_eq!(record(&stage, "2.soak").observed_seconds, 300, "from the beginning");
}

#[tokio::test]
async fn cut_at_every_line_the_same_command_takes_it_back() {
    let whole = bad().await;
    let before = whole.lines();
    let ended = whole.run(Command::Copy, None).await;
    is_taken_back(&whole, &ended, "a whole run");
    // The process that fails lets go of its lease only when it is asked to: see `heard`.
    let lines = whole.lines() - before;
    assert!(lines >= 8, "{lines} lines");
    let mut undone_at_once = 0;
    for line in 1..=lines {
        for cut in [Cut::Before, Cut::After] {
            let place = format!("{cut:?} line {line}");
            let stage = bad().await;
            assert!(was_killed(&stage.run(Command::Copy, Some((line, cut))).await), "{place}");
            let judged = stage.state().step(&migrate::core::StepId::new("2.soak")).and_then(|record| record.verdict);
            let (pending, made) = (stands(&stage, "copy"), stage.world.effects("target.execute"));
            let again = stage.heard(Command::Copy, Fate::of(&stage).sink()).await;
            is_taken_back(&stage, &again, &place);
            if judged == Some(Verdict::Abort) && pending {
                undone_at_once += 1;
                assert_eq!(stage.world.effects("target.execute"), made, "{place}: it is not put there again first");
            }
        }
    }
    assert!(undone_at_once >= 4, "{undone_at_once}");
}

#[tokio::test]
async fn killed_inside_every_write_the_same_command_takes_it_back() {
    for write in 1..=2 {
        for crash in [Fault::CrashBefore, Fault::CrashAfter] {
            let place = format!("{crash:?} write {write}");
            let stage = bad().await;
            stage.world.fail_write(write, crash);
            assert!(was_killed(&stage.run(Command::Copy, None).await), "{place}");
            let again = stage.run(Command::Copy, None).await;
            is_taken_back(&stage, &again, &place);
        }
    }
}

#[tokio::test]
async fn cut_at_every_line_it_can_be_rolled_back() {
    let whole = bad().await;
    let before = whole.lines();
    drop(whole.run(Command::Copy, None).await);
    for line in 1..=whole.lines() - before {
        let place = format!("line {line}");
        let stage = bad().await;
        assert!(was_killed(&stage.run(Command::Copy, Some((line, Cut::After))).await), "{place}");
        stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        assert!(!stands(&stage, "copy"), "{place}");
        stage.is_empty(&place).await;
    }
}

#[tokio::test]
async fn an_undo_that_fails_is_stuck_and_retried_it_is_still_taken_back() {
    for resolution in [Resolution::Retried, Resolution::Adopted, Resolution::Forgotten] {
        let stage = bad().await;
        stage.world.fail("target.revert", 1, Fault::Permanent);
        let stop = stage.heard(Command::Copy, Fate::of(&stage).sink()).await.expect_err("its undo is refused");
        assert!(matches!(&stop, Stop::Stuck { step, .. } if step.as_str() == "2.copy"), "{stop}");
        assert_eq!(stop.exit(), Exit::Stuck);
        assert!(stands(&stage, "copy"));
        let refused = stage.heard(Command::Copy, Fate::of(&stage).sink()).await.expect_err("a person has to look");
        assert_eq!(refused.exit(), Exit::Stuck, "{refused}");
        stage.settle(resolution);
        match resolution {
            Resolution::Retried => {
                let again = stage.run(Command::Copy, None).await;
                is_taken_back(&stage, &again, "retried");
            }
            // Whoever adopts it has seen the verdict; the soak says it again, or not.
            Resolution::Adopted => {
                put(&stage.world, "healthy");
                stage.run(Command::Copy, None).await.expect("it was adopted, and is good now");
                assert_eq!(stage.world.effects("target.execute"), 1, "it was kept");
            }
            Resolution::Forgotten => {
                put(&stage.world, "healthy");
                stage.run(Command::Copy, None).await.expect("it is made again");
            }
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_once_does_not_put_a_bad_copy_back() {
    let stage = bad().await;
    let ended = stage.heard(Command::CopyOnce, Fate::of(&stage).sink()).await;
    is_taken_back(&stage, &ended, "once");
    let made = stage.world.effects("target.execute");
    for _ in 0..3 {
        let again = stage.heard(Command::CopyOnce, Fate::of(&stage).sink()).await;
        is_taken_back(&stage, &again, "a scheduler");
    }
    assert_eq!(stage.world.effects("target.execute"), made, "a person has to ask");
    put(&stage.world, "healthy");
    let started = stage.run(Command::Copy, Some((8, Cut::After))).await;
    assert!(was_killed(&started), "a person asks, {started:?}");
    let stop = stage.run(Command::CopyOnce, None).await.expect_err("there is more to watch");
    assert_eq!(stop.exit(), Exit::Waiting, "and from then on the scheduler may go on: {stop}");
}

#[tokio::test]
async fn a_rollback_under_way_is_not_taken_over_by_a_phase() {
    let stage = bad().await;
    stage.world.fail("target.revert", 1, Fault::Permanent);
    drop(stage.heard(Command::Copy, Fate::of(&stage).sink()).await);
    // The rollback dies right after it has begun.
    assert!(was_killed(&stage.run(Command::RemoveCopy, Some((2, Cut::After))).await));
    assert_eq!(stage.state().direction(), Direction::Back(Phase::Infrastructure));
    let stop = stage.heard(Command::Copy, Fate::of(&stage).sink()).await.expect_err("the rollback goes first");
    assert!(stop.to_string().contains("a rollback to phase 1 is under way"), "{stop}");
    assert!(stands(&stage, "copy"), "and nobody has gone on with it");
    stage.run(Command::RemoveCopy, None).await.expect("now it goes on");
    assert!(!stands(&stage, "copy"));
}
