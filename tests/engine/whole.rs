//! What the cuts are compared with: the same run without any.

use migrate::core::Phase;

use crate::stage::{Command, Stage};

/// A stage on which phase 1 has passed.
pub async fn passed() -> Stage {
    let stage = Stage::new();
    stage.run(Command::Phase, None).await.expect("nothing goes wrong");
    stage
}

#[tokio::test]
async fn phase_1_passes_and_a_rollback_takes_all_of_it_back() {
    let stage = passed().await;
    assert!(stage.state().has_passed(Phase::Infrastructure));
    assert_eq!(stage.standing().await.len(), 3, "{:?}", stage.standing().await);
    stage.made_once("a whole run");
    stage.run(Command::Rollback, None).await.expect("nothing goes wrong");
    stage.is_empty("a whole rollback").await;
}

#[tokio::test]
async fn a_second_rollback_finds_nothing_to_do() {
    let stage = passed().await;
    stage.run(Command::Rollback, None).await.expect("once");
    let writes = stage.world.writes().len();
    stage.run(Command::Rollback, None).await.expect("twice");
    assert_eq!(stage.world.writes().len(), writes);
    stage.is_empty("twice").await;
}

#[tokio::test]
async fn there_and_back_and_there_again() {
    let stage = passed().await;
    let end = stage.end().await;
    stage.run(Command::Rollback, None).await.expect("back");
    stage.run(Command::Phase, None).await.expect("there again");
    let again = stage.end().await;
    assert_eq!(again.passed, end.passed);
    assert_eq!(stage.standing().await.len(), 3);
}

#[tokio::test]
async fn a_phase_that_passed_looks_again_and_makes_nothing() {
    let stage = passed().await;
    let (end, lines, writes) = (stage.end().await, stage.lines(), stage.world.writes().len());
    let connections = stage.world.calls("target.hello");
    stage.run(Command::Phase, None).await.expect("it still holds");
    assert_eq!(stage.end().await, end);
    assert_eq!(stage.world.writes().len(), writes, "nothing is written");
    assert!(stage.lines() > lines + 4, "but every step has looked");
    assert!(stage.world.calls("target.hello") >= connections);
}
