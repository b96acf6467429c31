//! A soak in the simulator: earned window by window, cut at every line, interrupted, on hold, blind, quiet, and once at a
//! time.

use std::time::Duration;

use migrate::core::{Event, Exit, Failure, FailureClass, Phase, StepStatus, Verdict};
use migrate::engine::{Signal, Stop};
use migrate::ports::Clock;

use crate::soak_stage::{Fate, put, ready, record, short, stands, status, take};
use crate::stage::{Command, Cut, End, Stage, was_killed};

const CUTS: [Cut; 2] = [Cut::Before, Cut::After];

fn counted(stage: &Stage) -> u64 {
    let seconds = |event: &Event| if let Event::SoakObserved { seconds, .. } = event { *seconds } else { 0 };
    stage.events().iter().map(seconds).sum()
}

fn windows(stage: &Stage) -> usize {
    stage.events().iter().filter(|event| matches!(event, Event::SoakObserved { .. })).count()
}

async fn whole() -> (Stage, End, usize) {
    let stage = ready(short()).await;
    let before = stage.lines();
    stage.run(Command::Copy, None).await.expect("nothing goes wrong");
    let (end, lines) = (stage.end().await, stage.lines() - before);
    (stage, end, lines)
}

#[tokio::test]
async fn five_minutes_are_five_windows_and_one_verdict() {
    let stage = ready(short()).await;
    let began = stage.world.elapsed();
    stage.run(Command::Copy, None).await.expect("nothing goes wrong");
    assert!(stage.world.elapsed().saturating_sub(began) >= Duration::from_secs(300), "it was really watched");
    assert_eq!((windows(&stage), counted(&stage)), (5, 300));
    let judged = stage
        .events()
        .iter()
        .filter(|event| matches!(event, Event::GateJudged { step, .. } if step.as_str() == "2.soak"))
        .count();
    assert_eq!(judged, 1, "a verdict that does not change is not repeated every minute");
    let record = record(&stage, "2.soak");
    let summaries: Vec<&str> = record.evidence.iter().map(|evidence| evidence.summary.as_str()).collect();
    let told = "observed for 5 min in 5 windows, 100 % of the time looked at; 500 requests, ";
    assert!(summaries.last().is_some_and(|summary| summary.starts_with(told)), "{summaries:?}");
    assert!(stage.state().has_passed(Phase::StagingCopy));
}

#[tokio::test]
async fn a_day_is_some_fifteen_hundred_lines() {
    let stage = ready(Stage::new().plan.rollout().clone()).await;
    let before = stage.lines();
    stage.run(Command::Copy, None).await.expect("nothing goes wrong");
    let lines = stage.lines() - before;
    assert_eq!(counted(&stage), 86_400);
    assert!((1_440..1_500).contains(&lines), "{lines} lines");
}

#[tokio::test]
async fn cut_at_every_line_it_ends_the_same_and_no_second_is_given_away() {
    let (_, end, lines) = whole().await;
    assert!(lines > 12, "{lines} lines");
    for line in 1..=lines {
        for cut in CUTS {
            let place = format!("{cut:?} line {line}");
            let stage = ready(short()).await;
            assert!(was_killed(&stage.run(Command::Copy, Some((line, cut))).await), "{place}");
            let before = counted(&stage);
            let passed = stage.state().has_passed(Phase::StagingCopy);
            // Nobody watches for a day.
            stage.world.sleep(Duration::from_secs(86_400)).await;
            let began = stage.world.elapsed();
            stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
            let watched = (stage.world.elapsed().saturating_sub(began)).as_secs();
            let still = if passed { 300 } else { 300_u64.saturating_sub(before) };
            let succeeded = !passed && before == 300 && watched < 60;
            assert!(watched >= still || succeeded, "{place}: {watched} s for {still} s");
            assert_eq!(stage.end().await, end, "{place}");
        }
    }
}

#[tokio::test]
async fn cut_at_every_line_it_can_be_rolled_back() {
    let (_, _, lines) = whole().await;
    for line in 1..=lines {
        let place = format!("line {line}");
        let stage = ready(short()).await;
        assert!(was_killed(&stage.run(Command::Copy, Some((line, Cut::After))).await), "{place}");
        stage.run(Command::RemoveCopy, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
        assert!(!stands(&stage, "copy"), "{place}");
        assert_eq!(stage.state().furthest_phase(), Some(Phase::Infrastructure), "{place}");
    }
}

#[tokio::test]
async fn ctrl_c_checkpoints_at_once_and_what_was_observed_stays() {
    let (_, end, lines) = whole().await;
    for event in 1..lines {
        let stage = ready(short()).await;
        let Err(stop) = stage.interrupted(Command::Copy, event).await else { continue };
        assert_eq!(stop, Stop::Signalled(Signal::Interrupt), "event {event}");
        let before = counted(&stage);
        // A window that was cut short is gone; nothing that was counted is.
        stage.run(Command::Copy, None).await.unwrap_or_else(|stop| panic!("event {event}: {stop}"));
        assert!(counted(&stage) >= before.max(300) && counted(&stage) <= before.max(300) + 60, "event {event}");
        assert_eq!(stage.end().await, end, "event {event}");
    }
}

#[tokio::test]
async fn a_signal_does_not_wait_for_the_window() {
    let stage = ready(short()).await;
    // The lease, the phase, the copy (2), the soak, and then it is watching.
    let before = stage.world.elapsed();
    let stop = stage.interrupted(Command::Copy, 5).await.expect_err("interrupted");
    assert_eq!(stop, Stop::Signalled(Signal::Interrupt));
    assert_eq!(status(&stage, "2.soak"), Some(StepStatus::Started));
    assert!(stage.world.elapsed().saturating_sub(before) < Duration::from_secs(10), "a window takes a minute");
    assert_eq!(stage.state().paused(), Some("SIGINT"));
}

#[tokio::test]
async fn on_hold_for_a_while_it_goes_on_and_for_too_long_it_fails() {
    let stage = ready(short()).await;
    let fate = Fate::of(&stage).after(2, |world| take(world, "steady")).after(5, |world| put(world, "steady"));
    stage.heard(Command::Copy, fate.sink()).await.expect("it is good again");
    assert_eq!(
        (windows(&stage), counted(&stage)),
        (10, 420),
        "and the time before the hold is too long ago to cover it"
    );

    let stage = ready(short()).await;
    let fate = Fate::of(&stage).after(2, |world| take(world, "steady"));
    let stop = stage.heard(Command::Copy, fate.sink()).await.expect_err("it does not get better");
    assert_eq!(stop.exit(), Exit::GateFailed);
    let said = stop.to_string();
    assert!(said.contains("on hold for 31 min, and 30m is the longest allowed"), "{said}");
    assert!(stands(&stage, "copy"), "a hold is no abort");
    assert_eq!(record(&stage, "2.soak").observed_seconds, 120);
    put(&stage.world, "steady");
    stage.run(Command::Copy, None).await.expect("it goes on, with as long a hold as ever");
    assert_eq!(counted(&stage), 420);
}

#[tokio::test]
async fn what_could_not_be_seen_does_not_count_and_what_never_can_be_ends_it() {
    let away = |failure: Failure| {
        move |world: &migrate::sim::World| {
            let host = short().staging.host.to_string();
            world.edit(|state| state.hosts.get_mut(&host).unwrap().unreachable = Some(failure.clone()));
        }
    };
    let back = |world: &migrate::sim::World| {
        let host = short().staging.host.to_string();
        world.edit(|state| state.hosts.get_mut(&host).unwrap().unreachable = None);
    };
    let stage = ready(short()).await;
    let fate = Fate::of(&stage).after(1, away(Failure::transient("no route"))).after(4, back);
    stage.heard(Command::Copy, fate.sink()).await.expect("it is back");
    assert_eq!((windows(&stage), counted(&stage)), (9, 360));
    let seen = record(&stage, "2.soak").evidence.iter().any(|evidence| {
        evidence.verdict == Verdict::Inconclusive && evidence.summary == "not observed: no route (transient)"
    });
    assert!(seen, "the record says why");

    let stage = ready(short()).await;
    let fate = Fate::of(&stage).after(1, away(Failure::new(FailureClass::Denied, "another key")));
    let stop = stage.heard(Command::Copy, fate.sink()).await.expect_err("nobody may look any more");
    assert_eq!(stop.exit(), Exit::WaitingForPermissions);
    assert_eq!(record(&stage, "2.soak").observed_seconds, 60, "and what was observed stays");
    back(&stage.world);
    stage.run(Command::Copy, None).await.expect("somebody gave it the key");
    assert_eq!(counted(&stage), 300);
}

#[tokio::test]
async fn another_reason_for_the_same_verdict_is_journalled_too() {
    let host = || short().staging.host.to_string();
    let stage = ready(short()).await;
    take(&stage.world, "clear");
    let fate = Fate::of(&stage)
        .after(3, move |world| {
            let failure = Some(Failure::transient("no route"));
            world.edit(|state| state.hosts.get_mut(&host()).unwrap().unreachable = failure);
        })
        .after(6, move |world| {
            world.edit(|state| state.hosts.get_mut(&host()).unwrap().unreachable = None);
            put(world, "clear");
        });
    stage.heard(Command::Copy, fate.sink()).await.expect("it is back, and clear");
    let said: Vec<_> = record(&stage, "2.soak").evidence.into_iter().map(|evidence| evidence.summary).collect();
    let unseen = said.iter().filter(|said| said.starts_with("not observed")).count();
    assert_eq!((unseen, windows(&stage)), (1, 11), "{said:?}");
    assert!(
        said.iter().position(|said| said.starts_with("not observed")) > Some(0),
        "after the first reason: {said:?}"
    );
}

#[tokio::test]
async fn inconclusive_never_counts() {
    let stage = ready(short()).await;
    take(&stage.world, "clear");
    let fate = Fate::of(&stage).after(3, |world| put(world, "clear"));
    stage.heard(Command::Copy, fate.sink()).await.expect("it is clear again");
    assert_eq!((windows(&stage), counted(&stage)), (8, 300));
}

#[tokio::test]
async fn quiet_minutes_do_not_count_and_a_busy_one_has_to_come() {
    for change in [
        (|soak: &mut migrate::core::rollout::Soak| soak.requests_per_window = 101) as fn(&mut _),
        |soak| soak.minimum_requests = 501,
        |soak| soak.peak_hour_requests = Some(100_000),
    ] {
        let mut rollout = short();
        change(&mut rollout.soak);
        let stage = ready(rollout.clone()).await;
        for _ in 0..5 {
            let stop = stage.run(Command::CopyOnce, None).await.expect_err("five windows are not enough");
            assert_eq!(stop.exit(), Exit::Waiting, "{stop}");
        }
        let quiet = rollout.soak.requests_per_window > 100;
        assert_eq!(counted(&stage), if quiet { 0 } else { 300 });
        let said = record(&stage, "2.soak").evidence.iter().any(|evidence| evidence.summary.starts_with("quiet: 100 "));
        assert_eq!(said, quiet, "the record says why");
        let stop = stage.run(Command::CopyOnce, None).await;
        let is_enough = rollout.soak.minimum_requests == 501;
        assert_eq!(stop.is_ok(), is_enough, "{stop:?}: 600 requests have come, 100 a minute");
    }
}

#[tokio::test]
async fn once_is_one_window_and_says_what_is_left() {
    let stage = ready(short()).await;
    for minute in 1..5_u64 {
        let stop = stage.run(Command::CopyOnce, None).await.expect_err("there is more to watch");
        let Stop::Waiting { step, phase, left, missing } = &stop else { panic!("{stop}") };
        assert_eq!((step.as_str(), *phase, left.as_secs()), ("2.soak", Phase::StagingCopy, 300 - minute * 60));
        assert_eq!(missing, &[format!("{minute} min of 5 min observed")]);
        assert_eq!((stop.exit(), stop.hint().as_deref()), (Exit::Waiting, Some("migrate phase 2 --once")));
        assert_eq!(windows(&stage) as u64, minute);
        // The scheduler comes an hour later; that hour is nobody's.
        stage.world.sleep(Duration::from_secs(3_600)).await;
    }
    stage.run(Command::CopyOnce, None).await.expect("that was the fifth");
    assert!(stage.state().has_passed(Phase::StagingCopy));
    assert_eq!(counted(&stage), 300);
}

#[tokio::test]
async fn a_phase_that_is_walked_again_is_watched_again() {
    let (stage, end, _) = whole().await;
    stage.run(Command::Copy, None).await.expect("it is still good");
    assert_eq!(counted(&stage), 600);
    assert_eq!(stage.end().await, end);
}
