//! Kinds that act and judge: what they act on is left in the best state they have seen, and their undo leaves no trace.

use migrate::core::{Contract, Facts, FailureClass, Outcome, StepId, Verdict};
use migrate::sim::{Fault, World};
use migrate::steps::{Condition, DiffAction, Exercise, Presence, Step, build};

use super::site;
use super::stage::Stage;

/// Every kind that acts and judges.
pub fn kinds() -> Vec<String> {
    let plan = site::plan(site::rollout());
    let exercises = plan.steps().iter().filter(|planned| matches!(build(planned).unwrap(), Step::Exercise(_)));
    exercises.map(|planned| planned.kind.to_string()).collect()
}

async fn before(kind: &str) -> (Stage, StepId, Box<dyn Exercise>) {
    let stage = Stage::before_in(site::plan(site::shorter()), kind).await;
    let (id, step) = (stage.id(kind), stage.exercise(kind));
    (stage, id, step)
}

/// With everything that the journal knows, and without any of it.
async fn probe(stage: &Stage, step: &dyn Exercise) -> Presence {
    let known = step.probe(&stage.reader(&stage.facts)).await.unwrap();
    let blind = step.probe(&stage.reader(&Facts::new())).await.unwrap();
    assert_eq!(known, blind, "a probe has to do without facts");
    blind
}

/// What runs of ours, less what is another number each time.
fn running(world: &World) -> Vec<(String, Vec<String>, usize)> {
    world.edit(|state| {
        let gunicorns = state.hosts.values().flat_map(|host| &host.gunicorns);
        gunicorns.map(|(file, facts)| (file.clone(), facts.command_line.clone(), facts.workers.len())).collect()
    })
}

/// Kinds that end what they begin before they say what they have found: nothing is left to be undone, unless they were
/// interrupted. All others leave what they act on in the best state that they have seen.
fn ends_by_itself(kind: &str) -> bool {
    kind == "release_trial"
}

/// What is there after it was performed.
fn leaves(kind: &str) -> Presence {
    if ends_by_itself(kind) { Presence::Absent } else { Presence::Ours(Condition::Usable) }
}

/// Performs it so that there is something to undo: one that ends by itself is interrupted after its first write.
async fn leave_something(kind: &str, stage: &mut Stage, id: &StepId, step: &dyn Exercise) {
    if !ends_by_itself(kind) {
        stage.perform(id, step).await.unwrap();
        return;
    }
    let world = stage.world.clone();
    world.fail_write(1, Fault::CrashAfter);
    tokio::select! {
        () = world.crashed() => {}
        finished = stage.perform(id, step) => panic!("{kind} survived its crash: {finished:?}"),
    }
    assert_eq!(probe(stage, step).await, Presence::Ours(Condition::Usable), "{kind}");
}

/// Until nothing of it is left.
async fn take_down(stage: &mut Stage, id: &StepId, step: &dyn Exercise) {
    for _ in 0..10 {
        if probe(stage, step).await == Presence::Absent {
            if stage.journal.state().status(id) == Some(migrate::core::StepStatus::Undoing) {
                stage.journal.undone(id);
            }
            return;
        }
        if let Err(failed) = stage.undo_exercise(id, step).await {
            assert!(failed.failure.class.is_retryable(), "{id}: {failed}");
        }
    }
    panic!("{id} is never gone");
}

#[test]
fn there_are_some() {
    assert!(!kinds().is_empty());
}

#[tokio::test]
async fn there_and_back_and_there_again() {
    for kind in kinds() {
        let (mut stage, id, step) = before(&kind).await;
        let (writes, as_before) = (stage.world.writes().len(), running(&stage.world));
        assert_eq!(probe(&stage, &*step).await, Presence::Absent, "{kind}");
        let diff = step.plan(&stage.reader(&Facts::new())).await.unwrap();
        assert_eq!(diff.lines[0].action, DiffAction::Change, "{kind}: {diff:?}");
        assert_eq!(stage.world.writes().len(), writes, "{kind}: a plan or a probe wrote something");

        let mut facts = Vec::new();
        for _ in 0..2 {
            let seen = stage.perform(&id, &*step).await.unwrap();
            assert!(seen.failure.is_none(), "{kind}: {:?}", seen.failure);
            assert!(seen.measurements.iter().all(|measured| measured.verdict.passes()), "{kind}: {seen:#?}");
            assert!(!format!("{seen:?}").contains(&stage.token()), "{kind} shows the token");
            facts.push(seen.facts);
            assert_eq!(probe(&stage, &*step).await, leaves(&kind), "{kind}");
        }
        let provided: Vec<String> = facts[0].iter().map(|(name, _)| name.to_string()).collect();
        let declared = &site::step_of(&stage.plan, &kind).provides;
        assert!(declared.iter().map(ToString::to_string).eq(provided), "{kind}");
        assert!(stage.world.writes()[writes..].iter().all(|write| write.step == id), "{kind}: under another's permit");

        take_down(&mut stage, &id, &*step).await;
        assert_eq!(running(&stage.world), as_before, "{kind}: not as before it");
        stage.undo_exercise(&id, &*step).await.unwrap_or_else(|failed| panic!("{kind}, the second time: {failed}"));
        stage.journal.undone(&id);
        assert_eq!(running(&stage.world), as_before, "{kind}");
        assert!(stage.perform(&id, &*step).await.unwrap().failure.is_none(), "{kind} again");
        take_down(&mut stage, &id, &*step).await;
    }
}

/// How many writes it takes.
async fn writes_of(kind: &str) -> u32 {
    let (mut stage, id, step) = before(kind).await;
    let writes = stage.world.writes().len();
    stage.perform(&id, &*step).await.unwrap();
    u32::try_from(stage.world.writes().len() - writes).unwrap()
}

#[tokio::test]
async fn every_write_goes_wrong_in_every_way_and_can_be_unwound() {
    let ways = [Fault::Throttle, Fault::Deny, Fault::Permanent, Fault::LostBefore, Fault::LostReply];
    for kind in kinds() {
        let writes = writes_of(&kind).await;
        assert!(writes > 1, "{kind}");
        for (nth, fault) in (1..=writes).flat_map(|nth| ways.map(|fault| (nth, fault))) {
            let (mut stage, id, step) = before(&kind).await;
            let as_before = running(&stage.world);
            stage.world.fail_write(nth, fault);
            let performed = stage.perform(&id, &*step).await;
            if kind == "release_trial" && (nth, fault) == (1, Fault::Permanent) {
                // A start that the host says does not work is what a trial is for: it is judged.
                let failure = performed.unwrap().failure.unwrap();
                assert_eq!(failure.class, FailureClass::Gate, "{failure}");
                assert_eq!(probe(&stage, &*step).await, Presence::Absent, "{kind}");
            } else {
                let failed = performed.unwrap_err();
                let is_lost = matches!(fault, Fault::LostBefore | Fault::LostReply);
                assert_eq!(failed.outcome == Outcome::Unknown, is_lost, "{kind}, write {nth}, {fault:?}: {failed}");
            }
            take_down(&mut stage, &id, &*step).await;
            assert_eq!(running(&stage.world), as_before, "{kind}, write {nth}, {fault:?}");
            stage.undo_exercise(&id, &*step).await.unwrap();
            stage.journal.undone(&id);
            let again = stage.perform(&id, &*step).await.unwrap();
            assert!(again.failure.is_none(), "{kind}, write {nth}, {fault:?}: {:?}", again.failure);
        }
    }
}

#[tokio::test]
async fn a_crash_at_every_write_is_gone_on_from_or_unwound() {
    for kind in kinds() {
        let writes = writes_of(&kind).await;
        for (nth, fault) in (1..=writes).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
            for goes_on in [true, false] {
                let (mut stage, id, step) = before(&kind).await;
                let (world, as_before) = (stage.world.clone(), running(&stage.world));
                world.fail_write(nth, fault);
                tokio::select! {
                    () = world.crashed() => {}
                    finished = stage.perform(&id, &*step) => panic!("{kind} survived its crash: {finished:?}"),
                }
                if goes_on {
                    let seen = stage.perform(&id, &*step).await.unwrap();
                    assert!(seen.failure.is_none(), "{kind}, write {nth}, {fault:?}: {:?}", seen.failure);
                }
                take_down(&mut stage, &id, &*step).await;
                assert_eq!(running(&world), as_before, "{kind}, write {nth}, {fault:?}");
            }
        }
    }
}

#[tokio::test]
async fn an_undo_goes_wrong_and_is_asked_for_again() {
    let ways = [Fault::Throttle, Fault::Deny, Fault::Permanent, Fault::LostBefore, Fault::LostReply];
    for kind in kinds() {
        for fault in ways {
            let (mut stage, id, step) = before(&kind).await;
            let as_before = running(&stage.world);
            leave_something(&kind, &mut stage, &id, &*step).await;
            stage.world.fail_write(1, fault);
            stage.undo_exercise(&id, &*step).await.unwrap_err();
            assert_eq!(probe(&stage, &*step).await == Presence::Absent, fault == Fault::LostReply, "{kind}, {fault:?}");
            take_down(&mut stage, &id, &*step).await;
            assert_eq!(running(&stage.world), as_before, "{kind}, {fault:?}");
        }
    }
}

#[tokio::test]
async fn what_a_broken_restart_leaves_is_not_taken_for_nothing() {
    let (mut stage, id, step) = before("worker_ramp").await;
    let as_before = running(&stage.world);
    stage.world.edit(|state| {
        let host = state.hosts.get_mut("18.117.115.217").unwrap();
        let file = host.gunicorns.keys().next().unwrap().clone();
        host.end_gunicorn(&file);
    });
    assert_eq!(probe(&stage, &*step).await, Presence::Ours(Condition::Unfinished));
    take_down(&mut stage, &id, &*step).await;
    assert_eq!(running(&stage.world), as_before);
}

#[tokio::test]
async fn a_read_that_fails_is_passed_on_and_the_copy_is_set_back() {
    for (call, nth) in [("load.run", 2), ("target.monitor", 1), ("cache.connect", 1), ("target.detached", 1)] {
        let (mut stage, id, step) = before("worker_ramp").await;
        let as_before = running(&stage.world);
        stage.world.fail(call, nth, Fault::Permanent);
        let failed = stage.perform(&id, &*step).await.unwrap_err();
        assert_eq!(failed.failure.class, FailureClass::Permanent, "{call}: {failed}");
        assert_eq!(running(&stage.world), as_before, "{call}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_while_it_watches_is_opened_again() {
    let (mut stage, id, step) = before("worker_ramp").await;
    stage.world.fail("target.sample", 30, Fault::LostReply);
    let seen = stage.perform(&id, &*step).await.unwrap();
    assert_eq!(Verdict::over(seen.measurements.iter().map(|measured| measured.verdict)), Verdict::Pass, "{seen:#?}");
    let said: Vec<String> = stage.heard.all().into_iter().map(|news| news.message).collect();
    assert!(said.iter().any(|words| words.ends_with("watching again")), "{said:?}");
}

#[test]
fn an_exercise_is_judged_and_undone() {
    assert!(Contract::Exercise.is_judged() && Contract::Exercise.changes());
}
