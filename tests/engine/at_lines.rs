//! A process dies at each line of the journal, before it and after it; the next one ends where the first would have.

use crate::stage::{Command, Cut, Stage, was_killed};
use crate::whole::passed;

const CUTS: [Cut; 2] = [Cut::Before, Cut::After];

#[tokio::test]
async fn phase_1_cut_at_every_line_ends_the_same() {
    let whole = passed().await;
    let (lines, end) = (whole.lines(), whole.end().await);
    assert!(lines > 30, "{lines} lines");
    for line in 1..=lines {
        for cut in CUTS {
            let place = format!("{cut:?} line {line}");
            let stage = Stage::new();
            assert!(was_killed(&stage.run(Command::Phase, Some((line, cut))).await), "{place}");
            assert_eq!(stage.lines(), if cut == Cut::After { line } else { line - 1 }, "{place}");
            stage.run(Command::Phase, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            assert_eq!(stage.end().await, end, "{place}");
            stage.made_once(&place);
        }
    }
}

#[tokio::test]
async fn phase_1_cut_at_every_line_can_be_rolled_back() {
    let lines = passed().await.lines();
    for line in 1..=lines {
        for cut in CUTS {
            let place = format!("{cut:?} line {line}");
            let stage = Stage::new();
            assert!(was_killed(&stage.run(Command::Phase, Some((line, cut))).await), "{place}");
            stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            stage.is_empty(&place).await;
        }
    }
}

#[tokio::test]
async fn a_rollback_cut_at_every_line_goes_on() {
    let whole = passed().await;
    let before = whole.lines();
    whole.run(Command::Rollback, None).await.expect("nothing goes wrong");
    let lines = whole.lines() - before;
    assert!(lines > 10, "{lines} lines");
    for line in 1..=lines {
        for cut in CUTS {
            let place = format!("{cut:?} line {line} of the rollback");
            let stage = passed().await;
            assert!(was_killed(&stage.run(Command::Rollback, Some((line, cut))).await), "{place}");
            stage.run(Command::Rollback, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            stage.is_empty(&place).await;
        }
    }
}

#[tokio::test]
async fn processes_that_die_again_and_again_get_there() {
    let whole = passed().await;
    let end = whole.end().await;
    let stage = Stage::new();
    // Each process gets a few lines further than its lease and its command.
    for process in 0..200 {
        let ended = stage.run(Command::Phase, Some((5, Cut::After))).await;
        if ended.is_ok() {
            break;
        }
        assert!(was_killed(&ended) && process < 199, "{ended:?}");
        assert!(stage.lines() <= (process + 1) * 5);
        if stage.state().has_passed(migrate::core::Phase::Infrastructure) {
            break;
        }
    }
    assert_eq!(stage.end().await, end);
    stage.made_once("five lines at a time");
}
