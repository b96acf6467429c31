//! A target that leaves the load balancer while it is switched: there and back, refused, killed in the middle, and what it
//! costs.

use std::time::Duration;

use migrate::core::{FailureClass, Outcome};
use migrate::ports::{Clock, LiveTree, ProcessFacts, Progress, TargetHealth};
use migrate::sim::{Fault, World};
use migrate::steps::{Condition, Presence};

use super::site;
use super::target_stage::{FIRST, LIVE, SECOND, Target, on};

const UNFINISHED: Presence = Presence::Ours(Condition::Unfinished);
/// Everything that is asked of AWS for it.
const CALLS: [&str; 4] = ["cloud.instance", "cloud.target_group", "cloud.deregister_target", "cloud.register_target"];

/// The first target right before its switch, which takes it out of service.
async fn before() -> Target {
    let mut rollout = site::rollout();
    rollout.production.drain = Some(serde_json::from_str("{}").unwrap());
    let mut target = Target::of(rollout).await;
    target.up("room").await;
    target.up("package").await;
    target
}

/// How the targets are registered, in the order of their ids; as long as they are.
pub fn registered(world: &World) -> Vec<TargetHealth> {
    let group = world.edit(|state| state.cloud.target_groups.values().next().cloned().unwrap());
    group.targets.into_iter().map(|target| target.health).collect()
}

/// Changes how the load balancer sees a target.
fn set(world: &World, position: usize, health: TargetHealth) {
    world.edit(|state| {
        state.cloud.target_groups.values_mut().for_each(|group| group.targets[position].health = health.clone());
    });
}

/// Somebody, or a crash, has taken the first target out.
fn take_out(world: &World) {
    world.edit(|state| state.cloud.target_groups.values_mut().for_each(|group| drop(group.targets.remove(0))));
}

fn in_service(world: &World) -> bool {
    registered(world) == [TargetHealth::Healthy, TargetHealth::Healthy]
}

fn on_release(target: &Target) -> bool {
    target.on(|host| {
        assert_eq!(host.releases.live, host.releases.runs);
        host.releases.live != LiveTree::Original
    })
}

fn said(target: &Target) -> String {
    let words = target.stage.heard.all().into_iter().map(|progress: Progress| format!("{progress:?}\n"));
    words.collect()
}

/// The calls that took effect since some point, in order.
fn effects(world: &World, since: usize) -> Vec<String> {
    let writes = world.writes().split_off(since).into_iter();
    writes.filter(|write| write.happened).map(|write| write.call).collect()
}

const WHOLE: [&str; 3] = ["cloud.deregister_target", "target.switch_to_release", "cloud.register_target"];

#[tokio::test]
async fn a_target_is_switched_while_nobody_is_sent_to_it_and_comes_back() {
    let mut target = before().await;
    let world = target.stage.world.clone();
    let (writes, began) = (world.writes().len(), world.elapsed());
    target.up("switch").await;
    assert_eq!(effects(&world, writes), WHOLE);
    assert!(world.writes()[writes..].iter().all(|write| write.step.as_str() == "4.production-1.switch"));
    let served = target.on(|host| host.releases.serving_since);
    assert!(served.saturating_sub(began) >= Duration::from_secs(300), "it was switched while it had users");
    assert!(in_service(&world) && on_release(&target));
    let words = said(&target);
    assert!(
        words.contains("production-1 is taken out of service: 400 sessions on it are not known to the other targets"),
        "{words}"
    );

    // In service already, it goes back in place.
    let writes = world.writes().len();
    target.down("switch").await;
    assert_eq!(effects(&world, writes), ["target.switch_to_original"]);
    assert!(in_service(&world) && !on_release(&target));
}

#[tokio::test]
async fn what_it_costs_is_measured_and_a_count_that_cannot_be_made_stops_nothing() {
    for refused in [false, true] {
        let mut target = before().await;
        if refused {
            target.stage.world.fail_always("target.session_census", Fault::Deny);
        }
        let (id, step) = target.change("switch");
        target.stage.apply(&id, &*step).await.unwrap();
        let measured = target.stage.verify(&*step).await;
        let cost = measured.last().unwrap();
        let (words, users) = match refused {
            false => ("400 sessions on it were not known to the other targets", serde_json::json!(400)),
            true => ("was not counted: target.session_census", serde_json::Value::Null),
        };
        assert!(cost.verdict.passes() && cost.summary.contains(words), "{}", cost.summary);
        assert_eq!(cost.data["users"], users);
    }
}

#[tokio::test]
async fn a_plan_says_what_it_costs_as_far_as_that_is_known() {
    let target = before().await;
    let (_, step) = target.change("switch");
    let line = async |facts| {
        let diff = step.plan(&target.stage.reader(facts)).await.unwrap();
        assert_eq!(diff.lines.len(), 2, "{diff:?}");
        diff.lines[1].what.clone()
    };
    let known = line(&target.stage.facts).await;
    assert!(known.contains("are logged out (400 sessions now, counted again before it is done)"), "{known}");
    target.stage.world.fail_always("target.session_census", Fault::Deny);
    for facts in [&target.stage.facts, &migrate::core::Facts::new()] {
        let unknown = line(facts).await;
        assert!(unknown.contains("leaves chatmrpt-web before that and comes back after it"), "{unknown}");
        assert!(unknown.contains("are logged out (counted when it is done)"), "{unknown}");
    }
}

#[tokio::test]
async fn where_it_is_not_asked_for_aws_is_not_asked_either() {
    let mut target = Target::before("switch").await;
    let world = target.stage.world.clone();
    let asked = || CALLS.map(|call| world.calls(call));
    let before = asked();
    target.up("switch").await;
    let diff = target.change("switch").1.plan(&target.stage.reader(&target.stage.facts)).await.unwrap();
    assert_eq!(diff.lines.len(), 1);
    target.down("switch").await;
    assert_eq!(asked(), before);
    assert_eq!(world.calls("target.session_census"), 0);
}

#[tokio::test]
async fn nobody_leaves_when_nobody_else_would_serve() {
    let unwell = [TargetHealth::Unhealthy("Target.Timeout".into()), TargetHealth::Initial, TargetHealth::Draining];
    for health in unwell.into_iter().map(Some).chain([None]) {
        let mut target = before().await;
        let world = target.stage.world.clone();
        match health.clone() {
            Some(health) => set(&world, 1, health),
            None => {
                world.edit(|state| state.cloud.target_groups.values_mut().for_each(|group| group.targets.truncate(1)));
            }
        }
        let failed = target.apply("switch").await.unwrap_err();
        assert!(failed.failure.message.contains("production-1 stays in chatmrpt-web: no other target"), "{failed}");
        assert!(failed.failure.hint.is_some());
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{health:?}");
        assert_eq!(world.calls("cloud.deregister_target"), 0);
        assert_eq!(world.calls("target.switch_to_release"), 0);
        assert!(!said(&target).contains("is taken out of service"), "said before it was certain");
        assert_eq!(registered(&world)[0], TargetHealth::Healthy);
    }
}

#[tokio::test]
async fn a_release_that_does_not_come_up_leaves_the_target_in_service_and_on_the_original() {
    let mut target = before().await;
    let world = target.stage.world.clone();
    target.on(|host| host.releases.does_not_come_up = Some("ImportError: a bad release".into()));
    let failed = target.apply("switch").await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
    assert!(failed.failure.message.contains("ImportError") && failed.failure.hint.is_some(), "{failed}");
    assert!(in_service(&world) && !on_release(&target));
    assert_eq!(target.probe("switch").await, Presence::Absent);
    target.on(|host| host.releases.does_not_come_up = None);
    target.up("switch").await;
    assert!(in_service(&world) && on_release(&target));
}

#[tokio::test]
async fn a_failure_is_not_called_clean_while_the_target_is_out_of_service() {
    // It cannot be registered, or is registered and not healthy.
    for refused in [true, false] {
        let mut target = before().await;
        let world = target.stage.world.clone();
        target.on(|host| host.releases.does_not_come_up = Some("ImportError: a bad release".into()));
        match refused {
            true => world.fail("cloud.register_target", 1, Fault::Deny),
            false => world.edit(|state| state.cloud.timing.judging = Duration::from_secs(86_400)),
        }
        let failed = target.apply("switch").await.unwrap_err();
        assert_eq!(failed.outcome, Outcome::Unknown, "{failed}");
        let words = ["ImportError", "production-1 is not back in service"];
        assert!(words.iter().all(|words| failed.failure.message.contains(words)), "{failed}");
        target.on(|host| host.releases.does_not_come_up = None);
        world.edit(|state| state.cloud.timing.judging = Duration::from_secs(30));
        if refused {
            assert_eq!(target.probe("switch").await, UNFINISHED);
            assert_eq!(target.probe_blind("switch").await, UNFINISHED);
        }
        target.down("switch").await;
        world.sleep(Duration::from_secs(60)).await;
        assert!(in_service(&world) && !on_release(&target), "refused {refused}");
    }
    // Refused before anything else was tried, by an attempt that found it out of service.
    let mut target = before().await;
    take_out(&target.stage.world);
    target.on(|host| drop(host.trees.remove(LIVE)));
    let failed = target.apply("switch").await.unwrap_err();
    assert!(failed.failure.message.contains("the original is gone"), "{failed}");
    assert_eq!(failed.outcome, Outcome::Unknown);
}

#[tokio::test]
async fn a_target_that_does_not_leave_in_time_stays() {
    for broken in [false, true] {
        let mut target = before().await;
        let world = target.stage.world.clone();
        match broken {
            false => world.edit(|state| state.cloud.timing.draining = Duration::from_secs(3_600)),
            // Before, at the beginning of the attempt, when it leaves; then AWS does not say whether it has.
            true => world.fail("cloud.target_group", 3, Fault::Deny),
        }
        let failed = target.apply("switch").await.unwrap_err();
        assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
        if !broken {
            assert!(failed.failure.message.contains("has not left chatmrpt-web within 600 s"), "{failed}");
            assert!(failed.failure.hint.unwrap().contains("production.drain.at_most"));
        }
        assert_eq!(world.calls("target.switch_to_release"), 0);
        world.sleep(Duration::from_secs(60)).await;
        assert!(in_service(&world) && !on_release(&target));
    }
    // And one that cannot even be kept is not called as before.
    let mut target = before().await;
    target.stage.world.edit(|state| state.cloud.timing.draining = Duration::from_secs(3_600));
    target.stage.world.fail("cloud.register_target", 1, Fault::Deny);
    let failed = target.apply("switch").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Unknown, "{failed}");
    assert!(failed.failure.message.contains("is not back in service"), "{failed}");
}

#[tokio::test]
async fn one_that_is_not_healthy_afterwards_is_left_to_the_gate_that_can_take_it_back() {
    let mut target = before().await;
    let world = target.stage.world.clone();
    world.edit(|state| state.cloud.timing.judging = Duration::from_secs(86_400));
    let began = world.elapsed();
    target.up("switch").await;
    let took = world.elapsed().saturating_sub(began);
    assert!((Duration::from_secs(900)..Duration::from_secs(1_000)).contains(&took), "{took:?}");
    assert!(said(&target).contains("chatmrpt-web sends no users to production-1 after 600 s"));
    assert_eq!(registered(&world)[0], TargetHealth::Initial);
    // Its undo does not fail on it either, out of service or not.
    target.down("switch").await;
    assert!(!on_release(&target));
    take_out(&world);
    let began = world.elapsed();
    target.down("switch").await;
    assert!(world.elapsed().saturating_sub(began) >= Duration::from_secs(600), "it is waited for");
    assert_eq!(registered(&world)[0], TargetHealth::Initial);
}

#[tokio::test]
async fn lost_requests_and_replies_are_found_out() {
    for call in WHOLE {
        for fault in [Fault::LostBefore, Fault::LostReply] {
            let mut target = before().await;
            let world = target.stage.world.clone();
            world.fail(call, 1, fault);
            let failed = target.apply("switch").await.unwrap_err();
            assert_eq!(failed.outcome, Outcome::Unknown, "{call}, {fault:?}");
            target.up("switch").await;
            assert!(in_service(&world) && on_release(&target), "{call}, {fault:?}");
            for done in ["cloud.deregister_target", "cloud.register_target"] {
                assert_eq!(world.effects(done), 1, "{done} after {call}, {fault:?}");
            }
        }
    }
}

/// Kills the process that switches, at a call.
async fn killed(target: &mut Target, call: &str, nth: u32, fault: Fault) {
    let world = target.stage.world.clone();
    world.fail(call, nth, fault);
    tokio::select! {
        () = world.crashed() => {}
        finished = target.apply("switch") => panic!("{call} survived its crash: {finished:?}"),
    }
}

#[tokio::test]
async fn from_wherever_it_died_it_goes_on_or_goes_back_with_and_without_facts() {
    let reads = [("cloud.target_group", 3), ("cloud.target_group", 20), ("cloud.target_group", 50)];
    let places = WHOLE.into_iter().map(|call| (call, 1)).chain(reads);
    for ((call, nth), fault) in places.flat_map(|place| [(place, Fault::CrashBefore), (place, Fault::CrashAfter)]) {
        for back in [false, true] {
            let place = format!("{call} {nth}, {fault:?}, back {back}");
            let mut target = before().await;
            let world = target.stage.world.clone();
            killed(&mut target, call, nth, fault).await;
            let is_out = !in_service(&world);
            let serving = on_release(&target).then(|| target.on(|host| host.services.clone()));
            for presence in [target.probe("switch").await, target.probe_blind("switch").await] {
                assert!(!is_out || presence != Presence::Absent, "{place}: {presence:?}");
            }
            if back {
                target.down("switch").await;
                assert!(!on_release(&target), "{place}");
                assert_eq!(target.probe_blind("switch").await, Presence::Absent, "{place}");
            } else {
                target.up("switch").await;
                assert!(on_release(&target), "{place}");
                // Once it serves the release, its processes stay.
                assert!(serving.is_none_or(|before| target.on(|host| host.services == before)), "{place}");
                assert_eq!(world.effects("cloud.deregister_target"), 1, "{place}");
            }
            // One that was registered when it died is not waited for on the way back.
            world.sleep(Duration::from_secs(60)).await;
            assert!(in_service(&world), "{place}: {:?}", registered(&world));
        }
    }
}

#[tokio::test]
async fn a_switched_target_that_somebody_takes_out_is_only_registered_again() {
    let mut target = before().await;
    let world = target.stage.world.clone();
    target.up("switch").await;
    take_out(&world);
    assert_eq!(target.probe("switch").await, UNFINISHED);
    let writes = world.writes().len();
    target.up("switch").await;
    assert_eq!(effects(&world, writes), ["target.switch_to_release", "cloud.register_target"]);
    assert!(in_service(&world));
    // And one that serves the release already does not leave because an old process is not done yet.
    target.on(|host| host.releases.beside = vec![ProcessFacts { pid: 77, started_ticks: 2_000_000 }]);
    assert_eq!(target.probe("switch").await, UNFINISHED);
    let (writes, counts) = (world.writes().len(), world.calls("target.session_census"));
    target.up("switch").await;
    assert_eq!(effects(&world, writes), ["target.switch_to_release"]);
    assert!(in_service(&world));
    assert_eq!(world.calls("target.session_census"), counts, "nobody is logged out, so nobody is counted");
    // One that is leaving is kept, and not waited for until it is gone.
    set(&world, 0, TargetHealth::Draining);
    let began = world.elapsed();
    target.up("switch").await;
    assert!(world.elapsed().saturating_sub(began) < Duration::from_secs(120));
    assert!(in_service(&world));
}

#[tokio::test]
async fn a_target_without_anything_of_ours_was_taken_out_by_somebody_else() {
    let mut rollout = site::rollout();
    rollout.production.drain = Some(serde_json::from_str("{}").unwrap());
    let mut target = Target::of(rollout).await;
    take_out(&target.stage.world);
    assert_eq!(target.probe_blind("switch").await, Presence::Absent);
    target.up("room").await;
    assert_eq!(target.probe_blind("switch").await, UNFINISHED);
}

#[tokio::test]
async fn the_second_target_is_another_one() {
    let mut target = before().await;
    target.up("switch").await;
    let (first, writes) =
        (target.stage.plan.rollout().production.targets[0].instance.clone(), target.stage.world.writes());
    let id = target.stage.world.edit(|state| {
        state
            .cloud
            .instances
            .iter()
            .find(|(name, _)| name == first.as_str())
            .map(|(_, facts)| facts.id.clone())
            .unwrap()
    });
    let of_targets = writes.iter().filter(|write| write.call.ends_with("register_target"));
    assert!(of_targets.clone().count() == 2 && of_targets.into_iter().all(|write| write.subject == id), "{writes:?}");
    assert!(on(&target.stage.world, SECOND, |host| host.directories.is_empty()), "{FIRST} alone was switched");
}
