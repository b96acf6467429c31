//! The real engine over two targets that leave the load balancer while they are switched: killed at every write, and without
//! AWS on the way back.

use std::time::Duration;

use migrate::core::Phase;
use migrate::core::rollout::Rollout;
use migrate::ports::{Clock, TargetHealth};
use migrate::sim::Fault;

use super::out_of_service::registered;
use super::target_stage::{FIRST, SECOND, on};
use super::two_targets::{self, Run};

fn rollout() -> Rollout {
    let mut rollout = two_targets::rollout();
    rollout.production.drain = Some(serde_json::from_str("{}").unwrap());
    rollout
}

/// Both get users.
fn serve(run: &Run) -> bool {
    registered(&run.world) == [TargetHealth::Healthy, TargetHealth::Healthy]
}

#[tokio::test]
async fn killed_at_every_write_it_goes_on_and_goes_back() {
    // Room, package, out, switch, in: for each of two targets; the eleventh does not come.
    for (nth, fault) in (1..=11).flat_map(|nth| [(nth, Fault::CrashBefore), (nth, Fault::CrashAfter)]) {
        for back in [false, true] {
            let run = Run::of(rollout()).await;
            let place = format!("write {nth}, {fault:?}, back {back}");
            assert_eq!(run.killed_at(nth, fault, false).await, nth <= 10, "{place}");
            assert!(registered(&run.world).contains(&TargetHealth::Healthy), "{place}: nobody serves");
            if back {
                run.engine().rollback(Phase::WorkerTuning, None).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
                assert!(run.is_clean(), "{place}");
            } else {
                run.engine().phase(Phase::Production).await.unwrap_or_else(|stop| panic!("{place}: {stop}"));
                assert_eq!(run.released(), [true, true], "{place}");
                for call in ["cloud.deregister_target", "cloud.register_target"] {
                    assert_eq!(run.world.effects(call), 2, "{place}: {call}");
                }
            }
            // One that was registered when it died is not waited for on the way back.
            run.world.sleep(Duration::from_secs(60)).await;
            assert!(serve(&run), "{place}: {:?}", registered(&run.world));
        }
    }
}

#[tokio::test]
async fn a_switch_that_came_to_its_end_is_gone_back_from_without_aws() {
    for fault in [Fault::Deny, Fault::Throttle] {
        let run = Run::of(rollout()).await;
        run.engine().phase(Phase::Production).await.unwrap();
        for call in ["cloud.instance", "cloud.target_group"] {
            run.world.fail_always(call, fault);
        }
        run.engine().rollback(Phase::WorkerTuning, None).await.unwrap_or_else(|stop| panic!("{fault:?}: {stop}"));
        assert!(run.is_clean() && serve(&run));
    }
}

#[tokio::test]
async fn one_that_died_in_the_middle_is_not_called_undone_before_somebody_has_looked() {
    // After it has left, and after it was switched.
    for (nth, before) in [(3, [false, false]), (4, [true, false])] {
        let run = Run::of(rollout()).await;
        assert!(run.killed_at(nth, Fault::CrashAfter, false).await);
        assert_eq!(run.released(), before);
        run.world.fail_always("cloud.target_group", Fault::Deny);
        let stop = run.engine().rollback(Phase::WorkerTuning, None).await.unwrap_err();
        assert!(format!("{stop}").contains("4.production-1.switch"), "{stop}");
        assert_eq!(run.released(), [false, false], "it serves the original all the same");
        run.world.calm();
        run.engine().rollback(Phase::WorkerTuning, None).await.unwrap();
        assert!(run.is_clean() && serve(&run));
    }
}

#[tokio::test]
async fn an_abort_takes_a_target_back_in_place() {
    let run = Run::of(rollout()).await;
    on(&run.world, FIRST, |host| host.files.remove("good"));
    run.engine().phase(Phase::Production).await.unwrap_err();
    assert_eq!(run.released(), [false, false]);
    assert!(serve(&run));
    assert_eq!((run.world.effects("cloud.deregister_target"), run.world.effects("cloud.register_target")), (1, 1));
    assert!(on(&run.world, SECOND, |host| host.directories.is_empty()));
}
