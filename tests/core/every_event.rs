//! Every variant of `Event` goes out as JSON and comes back the same.

use migrate::core::{Event, Stamped};

use crate::support::every_event;

/// Named without a wildcard: a new variant does not compile until it is listed in `support::every_event`, too.
fn name(event: &Event) -> &'static str {
    match event {
        Event::LeaseTaken { .. } => "lease_taken",
        Event::LeaseReleased => "lease_released",
        Event::RunOpened { .. } => "run_opened",
        Event::StepsPresumed { .. } => "steps_presumed",
        Event::PlanReplaced { .. } => "plan_replaced",
        Event::PhaseStarted { .. } => "phase_started",
        Event::PhasePassed { .. } => "phase_passed",
        Event::StepStarted { .. } => "step_started",
        Event::StepSucceeded { .. } => "step_succeeded",
        Event::StepFailed { .. } => "step_failed",
        Event::GateJudged { .. } => "gate_judged",
        Event::SoakObserved { .. } => "soak_observed",
        Event::RehearsalBegan { .. } => "rehearsal_began",
        Event::RehearsalTurned { .. } => "rehearsal_turned",
        Event::RollbackStarted { .. } => "rollback_started",
        Event::RollbackFinished { .. } => "rollback_finished",
        Event::UndoStarted { .. } => "undo_started",
        Event::UndoFinished { .. } => "undo_finished",
        Event::UndoFailed { .. } => "undo_failed",
        Event::StuckSettled { .. } => "stuck_settled",
        Event::Paused { .. } => "paused",
        Event::Approved { .. } => "approved",
    }
}

/// How many variants `name` lists.
const VARIANTS: usize = 22;

#[test]
fn every_variant_survives_the_round_trip_under_its_name() {
    let mut names = std::collections::BTreeSet::new();
    for stamped in every_event() {
        let value = serde_json::to_value(&stamped).expect("it can be written");
        assert_eq!(value["event"]["type"], name(&stamped.event));
        assert_eq!(serde_json::from_value::<Stamped>(value).expect("it can be read"), stamped);
        names.insert(name(&stamped.event));
    }
    assert_eq!(names.len(), VARIANTS, "the samples leave out a variant: {names:?}");
}
