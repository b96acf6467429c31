//! How often a comparison is right. Every draw of every load is another one for another number of users.

use std::time::Duration;

use migrate::core::{ChecklistItem, FailureClass, Verdict};
use migrate::ports::Clock;
use migrate::steps::Observation;

use super::comparison_scenarios::{COPY, ORIGINAL, application, much};
use super::scenarios::Scenario;

const KIND: &str = "side_by_side_comparison";

/// Verdicts of comparisons that differ only by chance.
async fn verdicts(base: impl Fn() -> Scenario, draws: u32) -> Vec<Verdict> {
    let mut stage = base().rollout(much).stage().await;
    let mut verdicts = Vec::new();
    for draw in 0..draws {
        stage.plan = super::site::plan({
            let mut rollout = stage.plan.rollout().clone();
            rollout.comparison.users = 5 + draw;
            rollout
        });
        let seen = stage.observe(KIND).await.unwrap();
        verdicts.push(seen.measurements[0].verdict);
    }
    verdicts
}

fn count(verdicts: &[Verdict], wanted: Verdict) -> usize {
    verdicts.iter().filter(|verdict| **verdict == wanted).count()
}

fn usual() -> Scenario {
    Scenario::new(KIND, "usual", FailureClass::Gate, &[])
}

#[tokio::test]
async fn a_copy_that_is_as_good_passes_nearly_always() {
    let verdicts = verdicts(usual, 8).await;
    assert!(count(&verdicts, Verdict::Pass) >= 7, "{verdicts:?}");
    assert_eq!(count(&verdicts, Verdict::Hold) + count(&verdicts, Verdict::Abort), 0, "{verdicts:?}");
}

#[tokio::test]
async fn a_copy_that_is_15_percent_slower_never_passes_and_is_nearly_always_held() {
    let slower = || {
        usual().world(|world| {
            application(world, COPY, |copy| copy.median = std::time::Duration::from_millis(46));
        })
    };
    let verdicts = verdicts(slower, 8).await;
    assert_eq!(count(&verdicts, Verdict::Pass) + count(&verdicts, Verdict::Abort), 0, "{verdicts:?}");
    assert!(count(&verdicts, Verdict::Hold) >= 6, "{verdicts:?}");
}

#[tokio::test]
async fn on_a_busy_machine_an_equal_copy_is_not_blamed() {
    let busy = || {
        usual().world(|world| {
            application(world, ORIGINAL, |original| original.weather = 0.15);
            application(world, COPY, |copy| copy.weather = 0.15);
        })
    };
    let verdicts = verdicts(busy, 8).await;
    assert_eq!(count(&verdicts, Verdict::Hold) + count(&verdicts, Verdict::Abort), 0, "{verdicts:?}");
    assert!(count(&verdicts, Verdict::Inconclusive) >= 6, "{verdicts:?}");
}

#[tokio::test]
async fn a_machine_that_gets_slower_and_slower_favours_nobody() {
    let drift = usual().rollout(much).world(|world| {
        // The original has three turns for every one of the copy.
        application(world, ORIGINAL, |original| original.ages = 1.002);
        application(world, COPY, |copy| {
            copy.ages = 1.004;
            copy.median = copy.median.mul_f64(1.002_f64.powi(20));
        });
    });
    let seen = drift.stage().await.observe(KIND).await.unwrap();
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
}

async fn seen(scenario: Scenario) -> (Observation, Vec<String>) {
    let stage = scenario.stage().await;
    let seen = stage.observe(KIND).await.unwrap();
    let heard = stage.heard.all().into_iter().map(|news| news.message).collect();
    (seen, heard)
}

#[tokio::test]
async fn the_record_holds_both_sides_and_the_news_every_turn() {
    let (seen, heard) = seen(usual()).await;
    assert!(seen.failure.is_none(), "{:?}", seen.failure);
    let measured = &seen.measurements[0];
    assert_eq!(
        (measured.proves.as_slice(), measured.resource.as_str()),
        (&[ChecklistItem::NoPerformanceDegradation][..], "staging:8081")
    );
    for side in ["original", "copy"] {
        for percentile in ["p50_ms", "p95_ms", "p99_ms"] {
            assert!(measured.data[side]["latency"][percentile].as_f64().unwrap() > 30.0, "{side} {percentile}");
        }
        assert_eq!(measured.data[side]["by_request"].as_object().unwrap().len(), 8);
    }
    for words in ["p50 40.", "p95", "p99", "original"] {
        assert!(measured.summary.contains(words), "{words}: {}", measured.summary);
    }
    for words in ["round 1 of 10, the original: ", "round 10 of 10, the original again: ", "round 10 of 10, the copy: "]
    {
        assert!(heard.iter().any(|news| news.contains(words)), "{words}: {heard:?}");
    }
}

#[tokio::test]
async fn takes_as_long_as_it_says_and_the_rate_is_what_one_user_alone_can_do() {
    let stage = usual().stage().await;
    let began = stage.world.elapsed();
    let seen = stage.observe(KIND).await.unwrap();
    let took = stage.world.elapsed().checked_sub(began).unwrap();
    assert!((840..861).contains(&took.as_secs()), "{took:?}");
    // Eight requests of 40 ms are 0.32 s: half of 3.1 journeys a second.
    let rate = seen.measurements[0].data["journeys_per_second"].as_f64().unwrap();
    assert!((rate - 1.56).abs() < 0.1, "{rate}");
}

#[tokio::test]
async fn the_comparison_says_what_is_missing_and_not_that_it_is_bad() {
    let little = usual().rollout(|rollout| rollout.comparison.rounds = 3);
    let (seen, _) = seen(little).await;
    let failure = seen.failure.unwrap();
    assert_eq!(failure.class, FailureClass::Inconclusive, "{failure}");
    assert!(failure.message.contains("more requests on each side are needed ("), "{failure}");
    assert!(failure.hint.unwrap().contains("rollout.yaml"));
}

#[tokio::test]
async fn rounds_are_added_until_both_sides_have_answers_enough_but_not_for_ever() {
    // 1.56 journeys a second are 12 requests: 100 in two rounds of four seconds, and 200 are needed.
    let two_of_4_seconds = usual().rollout(|rollout| {
        (rollout.comparison.rounds, rollout.comparison.round) = (2, Duration::from_secs(4).into());
    });
    let (_, heard) = seen(two_of_4_seconds).await;
    assert!(heard.iter().any(|news| news.contains("round 4 of 4, the copy: ")), "{heard:?}");
    assert!(!heard.iter().any(|news| news.contains("round 7")), "{heard:?}");
    let two_of_1_second = usual().rollout(|rollout| {
        (rollout.comparison.rounds, rollout.comparison.round) = (2, Duration::from_secs(1).into());
    });
    let (seen, heard) = seen(two_of_1_second).await;
    assert!(heard.iter().any(|news| news.contains("round 6 of 6, the copy: ")), "{heard:?}");
    assert!(!heard.iter().any(|news| news.contains("round 7")), "{heard:?}");
    let failure = seen.failure.unwrap();
    assert!(failure.message.contains("answers measured on one side; 200 are needed"), "{failure}");
}
