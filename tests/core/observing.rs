//! The windows of a soak: which count, what is kept of them, and when it is forgotten.

use migrate::core::{Event, Facts, Looked, Outcome, Phase, SoakWindow, StepRecord, Verdict};

use crate::run::{Run, back, failed, succeeded};
use crate::support::{at, id};

fn window(verdict: Verdict) -> SoakWindow {
    SoakWindow { began: at(0), length: 60, requests: 7, verdict, facts: Facts::new() }
}

fn observed(seconds: u64, window: SoakWindow) -> Event {
    Event::SoakObserved { step: id("2.soak"), seconds, window: Some(window) }
}

/// Phase 2 is being walked, and its soak of ten seconds has begun.
fn soaking() -> Run {
    let mut run = Run::open();
    run.pass(Phase::Preflight).pass(Phase::Infrastructure).walk(Phase::StagingCopy).start("2.soak");
    run
}

fn record(run: &Run) -> &StepRecord {
    run.state.step(&id("2.soak")).expect("it was started")
}

#[test]
fn windows_add_up_and_survive_a_crash_and_a_failure() {
    let mut run = soaking();
    run.add(observed(4, window(Verdict::Pass))).start("2.soak").add(observed(0, window(Verdict::Inconclusive)));
    run.add(failed("2.soak", Outcome::Clean)).walk(Phase::StagingCopy).start("2.soak");
    let looked = |counted| Looked { began: at(0).as_second(), length: 60, counted, requests: 7 };
    assert_eq!(record(&run).soak.windows(), [looked(4), looked(0)]);
    assert_eq!(record(&run).observed_seconds, 4);
    assert!(run.refused(succeeded("2.soak")).contains("its gate was not judged"), "it is judged anew");
    run.judge("2.soak", Verdict::Pass);
    assert!(run.refused(succeeded("2.soak")).contains("4 of 10 s observed"));
    run.add(observed(6, window(Verdict::Pass))).add(succeeded("2.soak"));
}

#[test]
fn nothing_counts_that_was_not_good_or_not_there() {
    let run = soaking();
    for verdict in [Verdict::Inconclusive, Verdict::Hold, Verdict::Abort] {
        assert!(run.refused(observed(1, window(verdict))).contains(&format!("that said {verdict}")));
    }
    assert!(run.refused(observed(61, window(Verdict::Pass))).contains("61 s counted of a window of 60 s"));
}

#[test]
fn a_hold_lasts_until_the_next_good_window_or_until_somebody_asks_again() {
    let mut run = soaking();
    for (verdict, held) in [
        (Verdict::Hold, 60),
        (Verdict::Inconclusive, 60),
        (Verdict::Hold, 120),
        (Verdict::Pass, 0),
        (Verdict::Hold, 60),
    ] {
        run.add(observed(0, window(verdict)));
        assert_eq!(record(&run).soak.held(), held, "{verdict}");
    }
    run.start("2.soak");
    assert_eq!(record(&run).soak.held(), 60, "the next process goes on");
    run.add(failed("2.soak", Outcome::Clean)).walk(Phase::StagingCopy).start("2.soak");
    assert_eq!(record(&run).soak.held(), 0, "a person has looked");
}

#[test]
fn what_a_window_hands_on_is_known_in_the_next_one() {
    let mut run = soaking();
    let handing = |value: &str| SoakWindow { facts: Facts::new().with("soak.memory", value), ..window(Verdict::Pass) };
    run.add(observed(1, handing("100"))).add(observed(1, handing("101"))).start("2.soak");
    let known: Vec<String> = run.state.facts().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(known, ["soak.memory=101"]);
}

#[test]
fn what_was_watched_before_a_rollback_is_forgotten() {
    let mut run = soaking();
    run.add(observed(9, window(Verdict::Pass))).add(back(Phase::Infrastructure));
    run.add(Event::RollbackFinished { to: Phase::Infrastructure });
    assert_eq!((record(&run).observed_seconds, record(&run).soak.windows()), (0, &[][..]));
}
