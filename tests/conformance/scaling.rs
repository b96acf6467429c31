//! A production target in an auto scaling group: what may replace it, and what may not.

use migrate::core::FailureClass::{Denied, Gate, Inconclusive};
use migrate::core::rollout::{AutoScaling, Rollout};
use migrate::ports::ScalingGroupFacts;
use migrate::sim::{Fault, World};
use migrate::steps::{Step, build};

use super::production_gates::{entry, passes, says};
use super::production_site::HOSTS;
use super::scenarios::Scenario;
use super::site;

const GATE: &str = "production_entry_gate";

/// A target in an auto scaling group.
fn scaled(world: &World) {
    world.edit(|state| {
        let (_, instance) = state.cloud.instances.iter_mut().find(|(name, _)| name == HOSTS[0]).unwrap();
        instance.tags.insert("aws:autoscaling:groupName".to_owned(), "web".to_owned());
    });
}

/// The group that it is in, with these processes suspended.
fn scaling_group(world: &World, suspended: &[&str]) {
    scaled(world);
    let suspended = suspended.iter().map(|process| (*process).to_owned()).collect();
    world.edit(|state| state.cloud.scaling_groups.insert("web".to_owned(), ScalingGroupFacts { suspended }));
}

/// rollout.yaml states that auto scaling is suspended.
fn suspended(rollout: &mut Rollout) {
    rollout.production.auto_scaling = Some(AutoScaling::Suspended);
}

/// The ways in which it has to be refused.
pub fn scenarios() -> Vec<Scenario> {
    let way = |name, class, words| Scenario::new(GATE, name, class, words);
    vec![
        way("auto scaling", Gate, &["is in the auto scaling group web", "for Launch or Terminate is not suspended"])
            .world(|world| scaling_group(world, &[])),
        way("auto scaling that may still start one", Gate, &["auto scaling group web", "for Launch is not suspended"])
            .world(|world| scaling_group(world, &["Terminate", "AZRebalance"])),
        way("auto scaling that is not as stated", Gate, &["for Terminate is not suspended"])
            .rollout(suspended)
            .world(|world| scaling_group(world, &["Launch"])),
        way("no such auto scaling group", Inconclusive, &["the auto scaling group web, which AWS does not know"])
            .world(scaled),
    ]
}

#[tokio::test]
async fn auto_scaling_that_ends_and_starts_no_instance_is_no_harm() {
    let seen = passes(entry().world(|world| scaling_group(world, &["Launch", "Terminate"]))).await;
    says(&seen, "group web, whose Launch and Terminate are suspended, and whose HealthCheck is not: look at");
    let all = passes(entry().world(|world| scaling_group(world, &["HealthCheck", "Launch", "Terminate"]))).await;
    says(&all, "is in the auto scaling group web, whose Launch and Terminate are suspended");
    let said = all.measurements.iter().any(|measurement| measurement.summary.contains("HealthCheck"));
    assert!(!said, "there is nothing to look at: {:?}", all.measurements);
}

#[tokio::test]
async fn auto_scaling_is_believed_to_be_as_stated_where_nobody_may_look() {
    fn closed(world: &World) {
        scaled(world);
        world.fail_always("cloud.scaling_group", Fault::Deny);
    }
    let seen = passes(entry().rollout(suspended).world(closed)).await;
    says(
        &seen,
        "auto scaling group web, which these credentials may not read, and which rollout.yaml states is suspended",
    );
    let failure = entry().world(closed).stage().await.observe(GATE).await.unwrap_err();
    assert_eq!(failure.class, Denied, "{failure}");
}

#[test]
fn who_states_it_needs_no_permission_to_look() {
    let asks = |rollout: Rollout| {
        let plan = site::plan(rollout);
        let Step::Observe(gate) = build(site::step_of(&plan, GATE)).unwrap() else {
            panic!("a gate observes");
        };
        let statements = gate.actions(plan.rollout());
        statements.iter().any(|statement| statement.actions == ["autoscaling:DescribeAutoScalingGroups"])
    };
    let mut stated = site::rollout();
    suspended(&mut stated);
    assert_eq!((asks(site::rollout()), asks(stated)), (true, false));
}
