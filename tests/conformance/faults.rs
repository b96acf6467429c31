//! Every write of every kind goes wrong in every way, and everything can be unwound.

use migrate::core::{FailureClass, Outcome, StepId};
use migrate::sim::{Fault, Fired, World, WriteRecord};
use migrate::steps::Presence;

use super::changes::kinds;
use super::stage::Stage;

const REFUSED: [(Fault, FailureClass); 3] = [
    (Fault::Throttle, FailureClass::Throttled),
    (Fault::Deny, FailureClass::Denied),
    (Fault::Permanent, FailureClass::Permanent),
];

/// The writes that an apply and an undo of a kind make, by name.
async fn writes_of(kind: &str) -> (Vec<String>, Vec<String>) {
    let mut stage = Stage::before(kind).await;
    let (id, step) = (stage.id(kind), stage.change(kind));
    let before = stage.world.writes().len();
    stage.bring_up(&id, &*step).await;
    let between = stage.world.writes().len();
    stage.undo(&id, &*step).await.unwrap();
    let writes = stage.world.writes();
    assert!(writes[before..].iter().all(|write| write.step == id), "{kind} wrote under another step's permit");
    let names = |writes: &[WriteRecord]| writes.iter().map(|write| write.call.clone()).collect();
    (names(&writes[before..between]), names(&writes[between..]))
}

/// How often a write of a step's took effect: another step's may have the same name.
fn effects(world: &World, call: &str, step: &StepId) -> usize {
    let ours = |write: &&WriteRecord| write.call == call && write.step == *step && write.happened;
    world.writes().iter().filter(ours).count()
}

#[tokio::test]
async fn every_kind_writes_something_both_ways() {
    for kind in kinds() {
        let (forward, back) = writes_of(&kind).await;
        assert!(!forward.is_empty() && !back.is_empty(), "{kind}: {forward:?} {back:?}");
        // One intent, one write: with two, a crash between them leaves what one probe cannot tell apart.
        assert_eq!((forward.len(), back.len()), (1, 1), "{kind}: {forward:?} {back:?}");
    }
}

#[tokio::test]
async fn a_refused_write_leaves_nothing() {
    for kind in kinds() {
        let (forward, _) = writes_of(&kind).await;
        for (fault, class) in REFUSED {
            let mut stage = Stage::before(&kind).await;
            let (id, step) = (stage.id(&kind), stage.change(&kind));
            stage.world.fail_write(1, fault);
            let failed = stage.apply(&id, &*step).await.unwrap_err();
            assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, class), "{kind}: {failed}");
            assert_eq!(stage.world.fired(), [Fired { call: forward[0].clone(), fault }], "{kind}");
            assert_eq!(stage.probe(&*step).await, Presence::Absent, "{kind} after {fault:?}");
            stage.take_down(&id, &*step).await;
            stage.bring_up(&id, &*step).await;
        }
    }
}

#[tokio::test]
async fn a_lost_request_is_made_again_and_a_lost_reply_is_not() {
    for kind in kinds() {
        let (forward, _) = writes_of(&kind).await;
        for fault in [Fault::LostBefore, Fault::LostReply] {
            let mut stage = Stage::before(&kind).await;
            let (id, step) = (stage.id(&kind), stage.change(&kind));
            let calls = stage.world.calls(&forward[0]);
            stage.world.fail_write(1, fault);
            let failed = stage.apply(&id, &*step).await.unwrap_err();
            assert_eq!(failed.outcome, Outcome::Unknown, "{kind}");
            assert_eq!(stage.world.fired(), [Fired { call: forward[0].clone(), fault }], "{kind}");
            stage.bring_up(&id, &*step).await;
            let happened = fault == Fault::LostReply;
            assert_eq!(effects(&stage.world, &forward[0], &id), 1, "{kind} after {fault:?}: made twice, or not at all");
            assert_eq!(stage.world.calls(&forward[0]) - calls, if happened { 1 } else { 2 }, "{kind} after {fault:?}");
            stage.take_down(&id, &*step).await;
        }
    }
}

#[tokio::test]
async fn a_crash_is_seen_by_the_next_probe() {
    for kind in kinds() {
        let (forward, back) = writes_of(&kind).await;
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut stage = Stage::before(&kind).await;
            let (id, step) = (stage.id(&kind), stage.change(&kind));
            let world = stage.world.clone();
            world.fail_write(1, fault);
            tokio::select! {
                () = world.crashed() => {}
                finished = stage.apply(&id, &*step) => panic!("{kind} survived its crash: {finished:?}"),
            }
            let there = !matches!(stage.probe(&*step).await, Presence::Absent);
            assert_eq!(there, fault == Fault::CrashAfter, "{kind} after {fault:?}");
            stage.bring_up(&id, &*step).await;
            assert_eq!(effects(&world, &forward[0], &id), 1, "{kind} after {fault:?}");

            world.fail_write(1, fault);
            tokio::select! {
                () = world.crashed() => {}
                finished = stage.undo(&id, &*step) => panic!("{kind} survived its crash: {finished:?}"),
            }
            stage.take_down(&id, &*step).await;
            assert_eq!(effects(&world, &back[0], &id), 1, "{kind}: undone twice after {fault:?}");
        }
    }
}

#[tokio::test]
async fn an_undo_goes_wrong_and_is_asked_for_again() {
    for kind in kinds() {
        let (_, back) = writes_of(&kind).await;
        let ways = [Fault::Throttle, Fault::Deny, Fault::Permanent, Fault::LostBefore, Fault::LostReply];
        for fault in ways {
            let mut stage = Stage::before(&kind).await;
            let (id, step) = (stage.id(&kind), stage.change(&kind));
            stage.bring_up(&id, &*step).await;
            stage.world.fail_write(1, fault);
            let failed = stage.undo(&id, &*step).await.unwrap_err();
            assert_eq!(stage.world.fired(), [Fired { call: back[0].clone(), fault }], "{kind}: {failed}");
            let presence = stage.probe(&*step).await;
            let still = Stage::is_up(&id, &presence);
            assert_eq!(still, fault != Fault::LostReply, "{kind} after {fault:?}");
            stage.take_down(&id, &*step).await;
        }
    }
}

#[tokio::test]
async fn a_read_that_fails_is_passed_on_and_writes_nothing() {
    for kind in kinds() {
        let mut stage = Stage::before(&kind).await;
        let (id, step) = (stage.id(&kind), stage.change(&kind));
        stage.bring_up(&id, &*step).await;
        let writes = stage.world.writes().len();
        let cloud = ["cloud.security_group", "cloud.subnet_group", "cloud.replication_group"];
        let copy = [
            "target.check",
            "target.owned_directory",
            "target.files",
            "target.tree",
            "target.detached",
            "target.path_cut",
            "target.releases",
            "cache.connect",
        ];
        for call in cloud.into_iter().chain(copy) {
            stage.world.fail_always(call, Fault::Deny);
        }
        let failure = step.probe(&stage.reader(&stage.facts)).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Denied, "{kind}");
        let failure = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Denied, "{kind}");
        assert_eq!(stage.world.writes().len(), writes, "{kind}");
    }
}
