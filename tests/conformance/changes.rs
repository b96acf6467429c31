//! Kinds that change something: there and back, twice, and from names alone.

use migrate::core::{Facts, Plan};
use migrate::steps::{DiffAction, Presence, Step, build};

use super::site;
use super::stage::{Stage, passes_by_itself};

/// Every kind that changes something.
pub fn kinds() -> Vec<String> {
    let plan: Plan = site::plan(site::rollout());
    let changes = plan.steps().iter().filter(|planned| matches!(build(planned).unwrap(), Step::Change(_)));
    changes.map(|planned| planned.kind.to_string()).collect()
}

#[tokio::test]
async fn there_and_back_and_there_again() {
    for kind in kinds() {
        let mut stage = Stage::before(&kind).await;
        let (id, step) = (stage.id(&kind), stage.change(&kind));
        let writes = stage.world.writes().len();

        assert_eq!(stage.probe(&*step).await, Presence::Absent, "{kind}");
        assert_eq!(stage.probe_blind(&*step).await, Presence::Absent, "{kind} without facts");
        let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
        assert_eq!(diff.lines[0].action, DiffAction::Create, "{kind}: {diff:?}");
        assert_eq!(stage.world.writes().len(), writes, "{kind}: a plan or a probe wrote something");

        stage.bring_up(&id, &*step).await;
        let presence = stage.probe_blind(&*step).await;
        assert!(Stage::is_up(&id, &presence), "{kind} without facts: {presence:?}");
        let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
        let expected = if passes_by_itself(&id) { DiffAction::Create } else { DiffAction::Adopt };
        assert_eq!(diff.lines[0].action, expected, "{kind}: {diff:?}");

        stage.take_down(&id, &*step).await;
        assert_eq!(stage.probe(&*step).await, Presence::Absent, "{kind} after its undo");

        stage.bring_up(&id, &*step).await;
        stage.take_down(&id, &*step).await;
    }
}

#[tokio::test]
async fn a_plan_can_be_shown_before_anything_is_known() {
    for kind in kinds() {
        let stage = Stage::new(site::plan(site::rollout()));
        let diff = stage.change(&kind).plan(&stage.reader(&Facts::new())).await.unwrap();
        assert_eq!(diff.lines[0].action, DiffAction::Create, "{kind}");
    }
}

#[tokio::test]
async fn the_second_time_adopts_and_creates_nothing() {
    for kind in kinds() {
        let mut stage = Stage::before(&kind).await;
        let (id, step) = (stage.id(&kind), stage.change(&kind));
        if passes_by_itself(&id) {
            continue;
        }
        stage.bring_up(&id, &*step).await;
        let writes = stage.world.writes();
        stage.bring_up(&id, &*step).await;
        assert_eq!(stage.world.writes(), writes, "{kind}");
    }
}

#[tokio::test]
async fn an_undo_may_come_twice_and_for_nothing() {
    for kind in kinds() {
        let mut stage = Stage::before(&kind).await;
        let (id, step) = (stage.id(&kind), stage.change(&kind));
        // It was started, and never did anything.
        stage.undo(&id, &*step).await.unwrap_or_else(|failed| panic!("{kind}: {failed}"));
        stage.journal.undone(&id);
        stage.bring_up(&id, &*step).await;
        stage.take_down(&id, &*step).await;
        stage.undo(&id, &*step).await.unwrap_or_else(|failed| panic!("{kind}, the second time: {failed}"));
        assert_eq!(stage.probe(&*step).await, Presence::Absent, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    for kind in kinds().iter().filter(|kind| !["command", "store_loss_drill"].contains(&kind.as_str())) {
        let mut stage = Stage::before(kind).await;
        let (id, step) = (stage.id(kind), stage.change(kind));
        stage.bring_up(&id, &*step).await;
        stage.world.edit(|state| {
            if kind == "session_key_space" {
                // In a store that is ours.
                let marks = state.stores.values_mut().flat_map(|store| store.keys.values_mut());
                return marks.for_each(|(value, _)| *value = b"somebody-else".to_vec());
            }
            let cloud = &mut state.cloud;
            let groups = cloud.security_groups.values_mut().map(|group| &mut group.tags);
            let subnet_groups = cloud.subnet_groups.values_mut().map(|group| &mut group.tags);
            let clusters = cloud.clusters.values_mut().map(|cluster| &mut cluster.facts.tags);
            groups.chain(subnet_groups).chain(clusters).for_each(|tags| {
                tags.insert("migrate:rollout".into(), "somebody-else".into());
            });
            // The copy is gone, and its port is not free all the same.
            state.hosts.values_mut().for_each(|host| host.gunicorns.clear());
            let directories = state.hosts.values_mut().flat_map(|host| host.directories.values_mut());
            directories.for_each(|directory| directory.owner = "somebody-else".into());
        });
        for presence in [stage.probe(&*step).await, stage.probe_blind(&*step).await] {
            assert!(matches!(&presence, Presence::Foreign(_)), "{kind}: {presence:?}");
        }
        let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
        assert_eq!(diff.lines[0].action, DiffAction::Refuse, "{kind}");
    }
}

#[tokio::test]
async fn the_whole_phase_comes_down_again() {
    let mut stage = Stage::before("nothing").await;
    let mut kinds = kinds();
    kinds.reverse();
    for kind in kinds {
        let (id, step) = (stage.id(&kind), stage.change(&kind));
        stage.take_down(&id, &*step).await;
    }
    stage.world.edit(|state| {
        assert!(state.cloud.clusters.is_empty());
        assert!(state.cloud.security_groups.is_empty());
        assert!(state.cloud.subnet_groups.is_empty());
        assert!(state.hosts.values().all(|host| host.gunicorns.is_empty()));
        // The other production target was switched by nobody's step.
        let others = state.hosts.iter().filter(|(name, _)| name.as_str() != super::production_site::HOSTS[1]);
        let left: Vec<&String> = others.flat_map(|(_, host)| host.directories.keys()).collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[tokio::test]
async fn production_is_not_written_on_before_phase_4() {
    let plan = site::plan_with(site::rollout(), |step| {
        if step.kind.as_str() == "command" {
            step.settings["target"] = "production-1".into();
        }
    });
    let mut stage = Stage::new(plan);
    let (id, step) = (stage.id("command"), stage.change("command"));
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert!(failed.failure.message.contains("must not be written on"), "{failed}");
    assert_eq!(failed.outcome, migrate::core::Outcome::Clean);
    assert!(stage.world.writes().is_empty());
}

#[tokio::test]
async fn a_check_that_cannot_run_says_neither_yes_nor_no() {
    let plan = site::plan_with(site::rollout(), |step| {
        if step.kind.as_str() == "command" {
            step.settings["verify"] = "no-such-program".into();
        }
    });
    let stage = Stage::new(plan);
    let step = stage.change("command");
    let failure = step.probe(&stage.reader(&stage.facts)).await.unwrap_err();
    assert!(failure.message.contains("127"), "{failure}");
}

#[tokio::test]
async fn a_script_that_fails_may_have_done_half_of_its_work() {
    let plan = site::plan_with(site::rollout(), |step| {
        if step.kind.as_str() == "command" {
            step.settings["run"] = "touch flag\nexit 3".into();
        }
    });
    let mut stage = Stage::new(plan);
    let (id, step) = (stage.id("command"), stage.change("command"));
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!(failed.outcome, migrate::core::Outcome::Unknown);
    assert!(failed.failure.message.contains("exit code 3"), "{failed}");
    stage.take_down(&id, &*step).await;
}
