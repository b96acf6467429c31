//! The switch and its undo: what on-call depends on, from every state that a crash, a bad release or a dead service can
//! leave.

use std::time::Duration;

use migrate::core::{Facts, FailureClass, Outcome, StepStatus};
use migrate::ports::{Clock, LiveTree, ProcessFacts, RunningTree, ServiceFacts, TargetsRead};
use migrate::sim::{Fault, World};
use migrate::steps::{Condition, Presence};

use super::scenarios::Scenario;
use super::target_stage::{FIRST, LIVE, SECOND, Target, host_of, on};

fn service(target: &Target) -> ServiceFacts {
    target.on(|host| host.services.values().next().unwrap().clone())
}

fn trees(target: &Target) -> (LiveTree, LiveTree) {
    target.on(|host| (host.releases.live.clone(), host.releases.runs.clone()))
}

const ORIGINAL: (LiveTree, LiveTree) = (LiveTree::Original, LiveTree::Original);

#[tokio::test]
async fn a_switch_changes_the_processes_and_the_way_back_leaves_the_tree_the_unit_and_the_workers_as_before() {
    let mut target = Target::before("switch").await;
    let before = service(&target);
    target.up("switch").await;
    let between = service(&target);
    assert_ne!(between.main_pid, before.main_pid);
    assert!(between.started_ticks > before.started_ticks);
    assert_ne!(between.environment, before.environment);
    assert_eq!(between.workers, 3, "as many as phase 3 recommends");
    assert_eq!(
        (&between.command_line, &between.executable, &between.unit),
        (&before.command_line, &before.executable, &before.unit)
    );
    // What later steps read of the switched target is the release's.
    let host = target.stage.plan.rollout().production.targets[0].host.clone();
    let reader = target.stage.world.reader(&host);
    let live = LIVE.parse().unwrap();
    assert_eq!(reader.private_file(&live, ".migrate/trial-token").await.unwrap().expose().len(), 64);
    let tree = reader.tree(&live, &[]).await.unwrap();
    assert_ne!(tree.digest, target.on(|host| host.trees[LIVE].digest.clone()), "the live tree is the release's");
    let facts = format!("{:?}", target.stage.facts);
    assert!(facts.contains(&between.main_pid.unwrap().to_string()), "switch.master: {facts}");

    target.down("switch").await;
    let after = service(&target);
    assert_eq!((after.workers, &after.unit), (before.workers, &before.unit));
    assert!(after.started_ticks > between.started_ticks && after.main_pid != before.main_pid);
    assert_eq!(reader.tree(&live, &[]).await.unwrap(), target.on(|host| host.trees[LIVE].clone()));
    target.up("switch").await;
}

/// A habit of the service's processes on the first target.
fn habit(world: &World, habit: fn(&mut RunningTree)) {
    on(world, FIRST, |host| host.releases.habit = Some(habit));
}

/// Each way of not having switched.
pub fn scenarios() -> Vec<Scenario> {
    let test = |name, words| Scenario::new("switched_processes", name, FailureClass::Gate, words);
    vec![
        test("a worker of before", &["started before the switch"])
            .world(|world| habit(world, |running| running.workers[0].started_ticks = 5)),
        test("the master of before", &["is not newer than the one before the switch"])
            .world(|world| habit(world, |running| running.master.started_ticks = 5)),
        test("too few workers", &["workers, not"]).world(|world| habit(world, |running| running.workers.truncate(1))),
        test("a second master", &["masters [9] still serve beside"]).world(|world| {
            habit(world, |running| running.beside.push(ProcessFacts { pid: 9, started_ticks: 9 }));
        }),
        test("another tree", &["runs in the original, not in the release"])
            .world(|world| habit(world, |running| running.tree = LiveTree::Original)),
        test("nothing runs", &["chatmrpt.service does not run"]).world(|world| {
            on(world, FIRST, |host| host.services.values_mut().for_each(|service| service.active = false));
        }),
    ]
}

#[tokio::test]
async fn a_worker_that_comes_back_in_time_is_no_reason_to_go_back() {
    let mut target = Target::before("switch").await;
    target.up("switch").await;
    habit(&target.stage.world, |running| running.workers.truncate(1));
    let world = target.stage.world.clone();
    let mend = async {
        world.sleep(Duration::from_secs(5)).await;
        on(&world, FIRST, |host| host.releases.habit = None);
    };
    let (seen, ()) = tokio::join!(target.stage.observe("switched_processes"), mend);
    let seen = seen.unwrap();
    assert!(seen.failure.is_none() && seen.measurements.len() == 4, "{seen:?}");
}

#[tokio::test]
async fn a_live_path_or_a_way_back_that_is_not_as_it_should_be_is_found_and_named() {
    type Case = (&'static str, fn(&mut migrate::sim::Host));
    let cases: [Case; 3] = [
        ("waits to be gone back to is", |host| {
            host.trees.get_mut(LIVE).unwrap().digest = migrate::core::Digest::of(b"edited");
        }),
        ("is nothing, not", |host| drop(host.trees.remove(LIVE))),
        ("the live path is the original, not the release", |host| host.releases.live = LiveTree::Original),
    ];
    for (words, damage) in cases {
        let mut target = Target::before("switch").await;
        target.up("switch").await;
        target.on(damage);
        let wrong = target.wrong("switch").await;
        assert!(wrong.len() == 1 && wrong[0].contains(words), "{words}: {wrong:?}");
    }
}

#[tokio::test]
async fn a_release_that_does_not_come_up_leaves_the_old_one_serving() {
    let slow = Duration::from_secs(600);
    for (words, takes) in [("ImportError: a bad release", None), ("was not ready in time", Some(slow))] {
        let mut target = Target::before("switch").await;
        let before = service(&target);
        target.on(|host| match takes {
            Some(takes) => host.releases.start_takes = takes,
            None => host.releases.does_not_come_up = Some("ImportError: a bad release".into()),
        });
        let failed = target.apply("switch").await.unwrap_err();
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
        assert!(failed.failure.message.contains(words) && failed.failure.hint.is_some(), "{failed}");
        assert_eq!((service(&target), trees(&target)), (before, ORIGINAL));
        assert_eq!(target.probe("switch").await, Presence::Absent);
        target.down("switch").await;
        let second = host_of(target.stage.plan.rollout(), SECOND);
        assert!(target.stage.world.writes().iter().all(|write| write.subject != second), "the second is not touched");
        target.on(|host| {
            (host.releases.does_not_come_up, host.releases.start_takes) = (None, Duration::from_secs(90));
        });
        target.up("switch").await;
    }
}

#[tokio::test]
async fn a_lost_reply_is_found_out_and_nothing_is_done_twice() {
    let mut target = Target::before("switch").await;
    target.stage.world.fail("target.switch_to_release", 1, Fault::LostReply);
    let failed = target.apply("switch").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Unknown);
    let pid = service(&target).main_pid;
    target.up("switch").await;
    assert_eq!(service(&target).main_pid, pid);
    target.stage.world.fail("target.switch_to_original", 1, Fault::LostReply);
    let failed = target.undo("switch").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Unknown);
    let pid = service(&target).main_pid;
    target.down("switch").await;
    assert_eq!((service(&target).main_pid, trees(&target)), (pid, ORIGINAL));
}

/// Everything that a crash in the middle of a switch, in either direction, leaves.
#[tokio::test]
async fn from_wherever_a_switch_died_it_is_finished_and_gone_back_from_with_and_without_facts() {
    let beside = || vec![ProcessFacts { pid: 77, started_ticks: 2_000_000 }];
    for (live_is_release, runs_release, leftover) in
        [(true, false, false), (true, false, true), (false, true, false), (false, false, true), (true, true, true)]
    {
        let mut target = Target::before("switch").await;
        let release = LiveTree::Release(target.release());
        if runs_release {
            target.up("switch").await;
        }
        let place = |is_release: bool| if is_release { release.clone() } else { LiveTree::Original };
        let die = |target: &Target| {
            target.on(|host| {
                (host.releases.live, host.releases.runs) = (place(live_is_release), place(runs_release));
                host.releases.beside = if leftover { beside() } else { Vec::new() };
            });
        };
        let state = format!("live {live_is_release}, runs {runs_release}, leftover {leftover}");
        die(&target);
        assert_eq!(target.probe("switch").await, Presence::Ours(Condition::Unfinished), "{state}");
        assert_eq!(target.probe_blind("switch").await, Presence::Ours(Condition::Unfinished), "{state}");
        target.up("switch").await;
        assert_eq!(trees(&target), (release.clone(), release.clone()), "{state}");
        target.on(|host| assert!(host.releases.beside.is_empty(), "{state}"));
        // The undo has no facts, and begins wherever it is.
        target.down("switch").await;
        assert_eq!(trees(&target), ORIGINAL, "{state}");
        die(&target);
        target.down("switch").await;
        assert_eq!(trees(&target), ORIGINAL, "{state}");
        target.on(|host| assert!(host.releases.beside.is_empty(), "{state}"));
        for name in ["package", "room"] {
            target.down(name).await;
        }
    }
}

#[tokio::test]
async fn a_service_that_died_in_the_release_is_started_in_the_original() {
    let mut target = Target::before("switch").await;
    target.up("switch").await;
    let die = |host: &mut migrate::sim::Host| {
        host.services.values_mut().for_each(|service| (service.active, service.main_pid) = (false, None));
    };
    target.on(die);
    let presence = target.probe("switch").await;
    assert!(
        matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains("does not run")),
        "{presence:?}"
    );
    target.down("switch").await;
    assert!(service(&target).active);
    assert_eq!(trees(&target), ORIGINAL);
    // One that is down on the original is no success of a rollback either.
    target.on(die);
    assert_eq!(target.probe_blind("switch").await, Presence::Ours(Condition::Unfinished));
    let failed = target.apply("switch").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean);
    assert!(failed.failure.message.contains("does not run"), "{failed}");
    target.down("switch").await;
    assert!(service(&target).active);
}

/// What is different about the processes when they are looked at.
type Habit = fn(&mut RunningTree);

#[tokio::test]
async fn a_process_of_no_use_is_replaced_by_way_of_the_original() {
    let cases: [(&str, Habit); 2] = [
        ("has no worker", |running| running.workers.clear()),
        ("runs in /srv/other", |running| running.tree = LiveTree::Foreign("/srv/other".into())),
    ];
    for (words, habit) in cases {
        let mut target = Target::before("switch").await;
        target.up("switch").await;
        target.on(|host| host.releases.habit = Some(habit));
        let presence = target.probe("switch").await;
        assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains(words)), "{presence:?}");
        target.on(|host| host.releases.habit = None);
        target.down("switch").await;
        // On the original it is a reason not to begin.
        if words.starts_with("runs") {
            target.on(|host| host.releases.habit = Some(habit));
            let failed = target.apply("switch").await.unwrap_err();
            assert!(failed.failure.message.contains("neither the original nor a release"), "{failed}");
            target.on(|host| host.releases.habit = None);
        }
        target.up("switch").await;
    }
}

#[tokio::test]
async fn nothing_is_left_that_cannot_be_gone_back_to() {
    type Case = (&'static str, fn(&mut migrate::sim::Host));
    let cases: [Case; 4] = [
        ("the original is gone", |host| drop(host.trees.remove(LIVE))),
        ("the original is not as it was", |host| {
            host.trees.get_mut(LIVE).unwrap().digest = migrate::core::Digest::of(b"edited");
        }),
        ("is not there, or not whole", |host| {
            host.directories.values_mut().for_each(|directory| directory.complete = false);
        }),
        ("the drop-in of ours is gone", |host| host.releases.may_hand_over = false),
    ];
    for (words, damage) in cases {
        let mut target = Target::before("switch").await;
        target.on(damage);
        let failed = target.apply("switch").await.unwrap_err();
        assert_eq!(failed.outcome, Outcome::Clean, "{words}");
        assert!(failed.failure.message.contains(words) && failed.failure.hint.is_some(), "{failed}");
        assert_eq!(target.stage.world.calls("target.switch_to_release"), 0, "{words}");
    }
    let mut target = Target::before("switch").await;
    target.up("switch").await;
    target.on(|host| drop(host.trees.remove(LIVE)));
    let failed = target.undo("switch").await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent));
    assert!(failed.failure.message.contains("original is not there"), "{failed}");
    assert!(failed.failure.hint.unwrap().contains("migrate rollback"));
    assert_eq!(target.stage.journal.state().status(&target.change("switch").0), Some(StepStatus::Undoing));
}

#[tokio::test]
async fn the_way_back_is_one_call_and_takes_as_long_as_the_application_needs_to_start() {
    let mut target = Target::before("switch").await;
    target.up("switch").await;
    for takes in [Duration::from_secs(1), Duration::from_secs(10)] {
        target.on(|host| host.releases.start_takes = takes);
        let world = target.stage.world.clone();
        let (began, looks) = (world.elapsed(), world.calls("target.releases"));
        target.undo("switch").await.unwrap();
        let served = target.on(|host| host.releases.serving_since);
        let took = served.saturating_sub(began);
        assert!(took <= takes + Duration::from_millis(500), "{took:?} for {takes:?}");
        assert_eq!(world.calls("target.releases"), looks, "nothing is looked at first");
        target.stage.journal.undone(&target.change("switch").0);
        target.up("switch").await;
    }
}

#[tokio::test]
async fn a_host_that_cannot_be_reached_holds_both_ways_and_both_go_on_when_it_is_back() {
    for back in [false, true] {
        let mut target = Target::before("switch").await;
        if back {
            target.up("switch").await;
        }
        target.on(|host| host.unreachable = Some(migrate::core::Failure::transient("ssh: connect: No route to host")));
        let before = trees(&target);
        let failed = if back { target.undo("switch").await } else { target.apply("switch").await }.unwrap_err();
        assert!(failed.failure.class.is_retryable() && failed.failure.message.contains("No route"), "{failed}");
        assert_eq!(trees(&target), before);
        target.on(|host| host.unreachable = None);
        target.up("switch").await;
        target.down("switch").await;
    }
}

#[tokio::test]
async fn what_is_not_over_in_time_is_left_to_the_gate_that_can_take_it_back() {
    let mut target = Target::before("switch").await;
    target.apply("switch").await.unwrap();
    habit(&target.stage.world, |running| running.workers.truncate(1));
    let (step, world) = (target.change("switch").1, target.stage.world.clone());
    let began = world.elapsed();
    step.settle(&target.stage.reader(&target.stage.facts)).await.unwrap();
    assert!(world.elapsed().saturating_sub(began) >= Duration::from_secs(30));
    assert!(target.wrong("switch").await.is_empty());
    let seen = target.stage.observe("switched_processes").await.unwrap();
    assert!(seen.failure.unwrap().message.contains("runs 1 workers, not 3"));
    // A hiccup is slept over, a refusal is not, and a host that is gone is not forever.
    target.on(|host| host.releases.habit = None);
    world.fail("target.releases", 1, Fault::Throttle);
    step.settle(&target.stage.reader(&target.stage.facts)).await.unwrap();
    world.fail("target.releases", 1, Fault::Deny);
    let failure = step.settle(&target.stage.reader(&target.stage.facts)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Denied);
    world.fail_always("target.releases", Fault::Throttle);
    let failure = step.settle(&target.stage.reader(&target.stage.facts)).await.unwrap_err();
    assert_eq!(failure.class, FailureClass::Throttled);
    world.calm();
    assert!(step.settle(&target.stage.reader(&Facts::new())).await.is_err(), "without a release there is none");
}

#[tokio::test]
async fn two_targets_are_two() {
    let mut target = Target::before("switch").await;
    target.up("switch").await;
    let world = target.stage.world.clone();
    on(&world, SECOND, |host| assert_eq!(host.releases.live, LiveTree::Original));
    assert!(on(&world, SECOND, |host| host.directories.is_empty()), "{FIRST} alone was switched");
}
