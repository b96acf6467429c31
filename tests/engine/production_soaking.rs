//! The soak of a production target in the simulator, through the engine: what passes, what takes the release back, what
//! only waits, and what is a gap.

use std::time::Duration;

use migrate::core::{Event, Exit, Failure, StepStatus, Verdict};
use migrate::engine::Stop;
use migrate::ports::{LiveTree, TargetHealth};
use migrate::sim::World;

use crate::production_stage::{HOST, OTHER, application, bridge, host, hours, ready, release, runs, store, workers};
use crate::soak_stage::{Fate, record, status};
use crate::stage::{Command, Stage};

const SOAK: &str = "4.production-1.soak";

fn is_switched(stage: &Stage) -> bool {
    stage.world.edit(|state| state.hosts[HOST].files.contains("release"))
}

/// The windows, as seconds that counted, requests and the size of what is kept.
fn windows(stage: &Stage) -> Vec<(u64, u64, usize)> {
    let window = |event: &Event| match event {
        Event::SoakObserved { seconds, window: Some(window), .. } => {
            Some((*seconds, window.requests, serde_json::to_string(&window.facts).unwrap().len()))
        }
        _ => None,
    };
    stage.events().iter().filter_map(window).collect()
}

fn counted(stage: &Stage) -> u64 {
    windows(stage).iter().map(|(seconds, ..)| seconds).sum()
}

fn evidence(stage: &Stage) -> Vec<(Verdict, String)> {
    record(stage, SOAK).evidence.iter().map(|one| (one.verdict, one.summary.clone())).collect()
}

async fn soaked(stage: &Stage, fate: Fate) -> Result<(), Stop> {
    stage.heard(Command::Production, fate.sink()).await
}

/// After six windows something happens, and what is said when the release is taken back for it.
async fn aborts(deed: impl Fn(&World) + Send + Sync + 'static) -> String {
    let stage = ready(hours(4));
    let fate = Fate::of(&stage).after(6, deed);
    let stop = soaked(&stage, fate).await.expect_err("it is bad");
    assert_eq!(stop.exit(), Exit::GateFailed, "{stop}");
    let seen = windows(&stage).len();
    assert!(!is_switched(&stage), "{seen} windows: it is still there: {stop}");
    assert!(seen < 12, "found after {seen} windows: {stop}");
    stop.to_string()
}

/// After six windows something happens; it is on hold for so long that it fails, and nothing is taken back.
async fn holds(deed: impl Fn(&World) + Send + Sync + 'static) -> String {
    let stage = ready(hours(4));
    let stop = soaked(&stage, Fate::of(&stage).after(6, deed)).await.expect_err("it does not get better");
    assert_eq!(stop.exit(), Exit::GateFailed, "{stop}");
    let said = stop.to_string();
    assert!(said.contains("30m is the longest allowed"), "{said}");
    assert!(is_switched(&stage), "a hold is no abort");
    said
}

fn says(said: &str, words: &[&str]) {
    for words in words {
        assert!(said.contains(words), "`{words}` is not in: {said}");
    }
}

#[tokio::test]
async fn a_healthy_target_passes_a_whole_day() {
    let mut rollout = hours(24);
    // Longer ones than usual: a day of minutes takes a minute here.
    rollout.soak.window = Duration::from_secs(360).into();
    let stage = ready(rollout);
    stage.run(Command::Production, None).await.expect("nothing is wrong");
    assert_eq!(status(&stage, SOAK), Some(StepStatus::Succeeded));
    let seen = windows(&stage);
    assert_eq!((seen.len(), counted(&stage)), (240, 86_400), "every window counts");
    assert!(seen.iter().all(|(.., kept)| *kept < 1_024), "what is kept is small");
    let requests: u64 = seen.iter().map(|(_, requests, _)| requests).sum();
    // 300 a minute, less those of ours.
    assert!((1_440 * 250..1_440 * 275).contains(&requests), "{requests} requests");
    let evidence = evidence(&stage);
    assert!(evidence.iter().all(|(verdict, _)| verdict.passes()), "{evidence:#?}");
    let said = |words: &str| evidence.iter().any(|(_, summary)| summary.contains(words));
    for words in ["beside production-2 (", "runs release ", "the workers' memory", "the store holds", "of users with a"]
    {
        assert!(said(words), "nothing says `{words}`: {evidence:#?}");
    }
    assert!(!said("simulated-token"), "the token is shown");
}

#[tokio::test]
async fn twice_as_slow_goes_back_at_once() {
    let said = aborts(|world| application(world, HOST, |it| it.median = Duration::from_millis(90))).await;
    says(&said, &["answers take 2.", "times as long as on production-2 in this window", "1.50 is the limit"]);
}

#[tokio::test]
async fn a_fifth_slower_is_not_good_enough() {
    let stage = ready(hours(4));
    application(&stage.world, HOST, |it| it.median = Duration::from_millis(48));
    let stop = soaked(&stage, Fate::of(&stage)).await.expect_err("it is slower");
    says(&stop.to_string(), &["answers take 1.", "times as long as on another target", "the limit is 1.100"]);
    assert!(is_switched(&stage));
}

#[tokio::test]
async fn a_machine_that_is_slower_by_nature_can_be_allowed_for() {
    let mut rollout = hours(1);
    (rollout.soak.slower, rollout.soak.far_slower) = (Some("50%".parse().unwrap()), Some("200%".parse().unwrap()));
    let stage = ready(rollout);
    application(&stage.world, HOST, |it| it.median = Duration::from_millis(48));
    soaked(&stage, Fate::of(&stage)).await.expect("it is allowed to be");
}

#[tokio::test]
async fn errors_go_back_unless_the_other_target_has_them_too() {
    let said = aborts(|world| application(world, HOST, |it| it.error_share = 0.2)).await;
    says(&said, &["of our users' requests failed", "the ceiling is 1%", "as scripted"]);
    let said = holds(|world| [HOST, OTHER].iter().for_each(|host| application(world, host, |it| it.error_share = 0.2)));
    says(&said.await, &["on the other target: it is not the release"]);
}

#[tokio::test]
async fn a_mixed_up_user_goes_back() {
    says(&aborts(|world| application(world, HOST, |it| it.mixed_up_share = 0.5)).await, &["sessions are mixed up"]);
}

#[tokio::test]
async fn a_leak_is_found_when_there_was_time_for_it() {
    let stage = ready(hours(4));
    workers(&stage.world, |it| it.grows = 60 << 20);
    let stop = soaked(&stage, Fate::of(&stage)).await.expect_err("it leaks");
    says(&stop.to_string(), &["the workers' memory grows by", "the headroom of", "168 h are needed"]);
    assert!((3_600..3 * 3_600).contains(&counted(&stage)), "{} s were good", counted(&stage));
    assert!(is_switched(&stage), "there is room for a day");
}

#[tokio::test]
async fn workers_that_crash_hang_or_never_end_restarting_go_back() {
    let dying = |is_silent: bool| {
        move |world: &World| {
            workers(world, |it| (it.lives, it.is_silent) = (Some(Duration::from_secs(300)), is_silent));
        }
    };
    says(&aborts(dying(false)).await, &["a signal ended"]);
    says(&aborts(dying(true)).await, &["workers silent (WORKER TIMEOUT)"]);
    let gone = |world: &World| {
        host(world, HOST, |host| host.services.values_mut().for_each(|service| service.active = false));
    };
    says(&aborts(gone).await, &["the main process does not run any more"]);
}

#[tokio::test]
async fn a_host_without_memory_goes_back() {
    says(&aborts(|world| workers(world, |it| it.available_bytes = 50 << 20)).await, &["of memory were left"]);
    says(&aborts(|world| workers(world, |it| it.swaps = 100 << 30)).await, &["were swapped out"]);
}

#[tokio::test]
async fn a_store_that_loses_sessions_goes_back_and_a_full_one_waits() {
    says(&aborts(|world| store(world, |it| it.evicted_keys += 7)).await, &["the store evicted 7 keys"]);
    says(&aborts(|world| store(world, |it| it.rejected_connections += 3)).await, &["the store refused 3 connections"]);
    says(&holds(|world| store(world, |it| it.max_memory = Some(1_200_000))).await, &["more than 80 %"]);
    says(
        &holds(|world| world.edit(|state| state.stores.clear())).await,
        &["the store does not answer from the target"],
    );
}

#[tokio::test]
async fn a_store_that_restarts_costs_a_window() {
    let stage = ready(hours(1));
    let fate = Fate::of(&stage).after(6, |world| store(world, |it| it.run_id = "another".into()));
    soaked(&stage, fate).await.expect("it is there again");
    assert_eq!(windows(&stage).iter().filter(|(seconds, ..)| *seconds == 0).count(), 1);
    assert!(evidence(&stage).iter().any(|(_, words)| words.contains("the store has restarted")));
}

#[tokio::test]
async fn what_the_bridge_counts_is_judged() {
    says(&aborts(|world| bridge(world, |it| it.damaged = 1)).await, &["sessions in Redis cannot be decoded"]);
    says(&holds(|world| bridge(world, |it| it.falls = 5)).await, &["because Redis was away"]);
    says(&holds(|world| bridge(world, |it| it.unserializable = 5)).await, &["would have changed its type"]);
    says(&holds(|world| bridge(world, |it| it.old_failures = 5)).await, &["which the way back needs"]);
}

#[tokio::test]
async fn a_bridge_that_falls_back_for_a_while_costs_that_while() {
    let stage = ready(hours(1));
    let fate = Fate::of(&stage)
        .after(6, |world| bridge(world, |it| it.falls = 5))
        .after(11, |world| bridge(world, |it| it.falls = 0));
    soaked(&stage, fate).await.expect("Redis is back");
    let bad = windows(&stage).iter().filter(|(seconds, ..)| *seconds == 0).count();
    assert!((5..=6).contains(&bad), "{bad} windows");
    assert_eq!(counted(&stage), 3_600);
}

#[tokio::test]
async fn a_release_that_somebody_has_changed_is_left_to_them() {
    let by_hand =
        |live: LiveTree| move |world: &World| host(world, HOST, |host| host.releases.told = Some(runs(&live, 6_000)));
    let said = holds(by_hand(LiveTree::Original)).await;
    says(&said, &["the release was changed by hand", "is the original now, not release"]);
    says(&holds(by_hand(LiveTree::Foreign("a link to /tmp".into()))).await, &["is a link to /tmp now"]);
}

#[tokio::test]
async fn a_restart_by_hand_costs_its_window() {
    let stage = ready(hours(1));
    let fate = Fate::of(&stage).after(6, |world| {
        host(world, HOST, |host| host.releases.told = Some(runs(&LiveTree::Release(release()), 6_000)));
    });
    soaked(&stage, fate).await.expect("it runs on");
    assert_eq!(windows(&stage).iter().filter(|(seconds, ..)| *seconds == 0).count(), 1);
    let seen = evidence(&stage);
    assert!(seen.iter().any(|(verdict, words)| *verdict == Verdict::Hold && words.contains("it was restarted")));
}

#[tokio::test]
async fn a_target_that_is_sick_by_itself_goes_back() {
    let health = |which: &'static [usize], health: TargetHealth| {
        move |world: &World| {
            world.edit(|state| {
                let group = state.cloud.target_groups.values_mut().next().expect("a target group");
                which.iter().for_each(|at| group.targets[*at].health = health.clone());
            });
        }
    };
    let sick = || TargetHealth::Unhealthy("Target.Timeout".into());
    says(&aborts(health(&[0], sick())).await, &["does not find it healthy (Target.Timeout)"]);
    says(&holds(health(&[0, 1], sick())).await, &["and so is every other target"]);
    says(&holds(health(&[0], TargetHealth::Draining)).await, &["it is being deregistered"]);
}

#[tokio::test]
async fn quiet_hours_do_not_count() {
    let stage = ready(hours(1));
    let fate = Fate::of(&stage)
        .after(6, |world| bridge(world, |it| it.reads = 25))
        .after(66, |world| bridge(world, |it| it.reads = 300));
    soaked(&stage, fate).await.expect("users come again");
    let quiet = windows(&stage).iter().filter(|(seconds, requests, _)| (*seconds, *requests) == (0, 0)).count();
    assert!((58..=60).contains(&quiet), "{quiet} windows: 32 a minute are our own");
    assert!(evidence(&stage).iter().any(|(_, words)| words.starts_with("quiet: 0 requests")));
}

#[tokio::test]
async fn an_hour_without_sight_is_a_gap_and_what_happened_in_it_is_not_forgotten() {
    let away = |world: &World| {
        host(world, HOST, |host| host.unreachable = Some(Failure::transient("no route to the host")));
    };
    let back = |world: &World| host(world, HOST, |host| host.unreachable = None);
    let stage = ready(hours(1));
    soaked(&stage, Fate::of(&stage).after(10, away).after(70, back)).await.expect("it is back");
    let blind = windows(&stage).iter().filter(|(seconds, ..)| *seconds == 0).count();
    assert_eq!((blind, counted(&stage) >= 3_600), (60, true));
    assert!(evidence(&stage).iter().any(|(_, words)| words == "not observed: no route to the host (transient)"));

    // Sessions that were damaged while nobody looked.
    let stage = ready(hours(1));
    let fate = Fate::of(&stage)
        .after(10, move |world| {
            bridge(world, |it| it.damaged = 2);
            away(world);
        })
        .after(12, move |world| {
            bridge(world, |it| it.damaged = 0);
            back(world);
        });
    let stop = soaked(&stage, fate).await.expect_err("they are damaged");
    says(&stop.to_string(), &["2 sessions in Redis cannot be decoded"]);
    assert!(!is_switched(&stage));
}

#[tokio::test]
async fn without_another_target_the_ceilings_hold_and_it_says_so() {
    let mut rollout = hours(1);
    rollout.production.targets.truncate(1);
    let stage = ready(rollout);
    soaked(&stage, Fate::of(&stage)).await.expect("the ceilings are kept");
    let seen = evidence(&stage);
    let words = "compared with nothing, only with the ceilings: there is no other target";
    assert!(seen.iter().any(|(_, said)| said.contains(words)), "{seen:#?}");

    // With another one that never answers it is not known how slow it is, and half of the soak later that has to be.
    let stage = ready(hours(1));
    host(&stage.world, OTHER, |host| host.unreachable = Some(Failure::transient("no route")));
    let back = |world: &World| host(world, OTHER, |host| host.unreachable = None);
    soaked(&stage, Fate::of(&stage).after(40, back)).await.expect("it is back");
    let seen = windows(&stage);
    assert!(
        seen[..30].iter().all(|(seconds, ..)| *seconds == 60) && seen[30..40].iter().all(|(seconds, ..)| *seconds == 0)
    );
    assert!(counted(&stage) >= 3_600, "and the coverage has to be made good");
}
