//! The ways in which a comparison has to fail.

use std::time::Duration;

use migrate::core::FailureClass;
use migrate::core::rollout::Rollout;
use migrate::sim::{SimulatedApplication, World};

use super::scenarios::Scenario;

pub const ORIGINAL: &str = "127.0.0.1:8080";
pub const COPY: &str = "127.0.0.1:8081";

/// Changes how an application behaves under load.
pub fn application(world: &World, endpoint: &str, change: impl FnOnce(&mut SimulatedApplication)) {
    world.edit(|state| change(state.applications.get_mut(endpoint).unwrap()));
}

/// Enough to tell 15 % from nothing.
pub fn much(rollout: &mut Rollout) {
    rollout.comparison.journeys_per_minute = Some(200);
}

fn little(rollout: &mut Rollout) {
    rollout.comparison.rounds = 3;
    rollout.comparison.round = Duration::from_secs(2).into();
    rollout.comparison.journeys_per_minute = Some(60);
}

pub fn scenarios() -> Vec<Scenario> {
    use FailureClass::{Gate, Inconclusive};
    let test = |name, class, words| Scenario::new("side_by_side_comparison", name, class, words);
    vec![
        test("15 % slower", Gate, &["the copy takes 1.1", "times as long", "the limit is 1.100", "original 40."])
            .rollout(much)
            .world(|world| application(world, COPY, |copy| copy.median = Duration::from_millis(46))),
        test("twice as slow", Gate, &["the copy takes 2.0", "p99"])
            .world(|world| application(world, COPY, |copy| copy.median = Duration::from_millis(80))),
        test("one page of eight", Gate, &["`analyst/GET /frame` takes 1.9", "one request may take 1.50 times"])
            .rollout(much)
            .world(|world| {
                application(world, COPY, |copy| {
                    copy.slow_requests.insert("GET /frame".into(), 2.0);
                });
            }),
        test("errors", Gate, &["requests failed on the copy", "the ceiling is 1.00 %", "for example `analyst/"])
            .world(|world| application(world, COPY, |copy| copy.error_share = 0.05)),
        test("mixed-up users", Gate, &["users were mixed up on the copy: user", "another user"])
            .world(|world| application(world, COPY, |copy| copy.mixed_up_share = 0.01)),
        test(
            "too little",
            Inconclusive,
            &["answers measured on one side; 200 are needed", "more requests on each side"],
        )
        .rollout(little),
        test("a busy machine", Inconclusive, &["noise of", "the limit is 1.100", "on each side are needed"])
            .rollout(much)
            .world(|world| {
                application(world, ORIGINAL, |original| original.weather = 0.2);
                application(world, COPY, |copy| copy.weather = 0.2);
            }),
        test("the original is broken", Inconclusive, &["no journey went to its end on the original", "as scripted"])
            .world(|world| application(world, ORIGINAL, |original| original.error_share = 1.0)),
        test("no journeys", Inconclusive, &["declares no `journeys`"]).rollout(|rollout| rollout.journeys.clear()),
    ]
}
