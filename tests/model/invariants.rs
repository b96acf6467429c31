//! What must hold in every state, and what must be reachable for that to mean anything.

use migrate::core::{Contract, Phase, StepStatus, Verdict};
use stateright::Property;

use crate::rescue::is_rescued;
use crate::rig::{Rig, State};

/// Nothing is created twice.
pub const ONCE: &str = "nothing is created while one of ours exists";
/// No write without a journalled intent.
pub const INTENT: &str = "no write without a journalled intent";
/// The journal knows of everything there is.
pub const KNOWN: &str = "whatever exists, the journal says may exist";
/// Rollback from every state.
pub const RESCUE: &str = "a rollback from here ends with nothing left";
/// Only a pass passes.
pub const GATES: &str = "a gate succeeds only after it truly passed";
/// One writer.
pub const LEASE: &str = "only the newest lease's events are accepted";
/// A stale writer's retries stop.
pub const FLIGHT: &str = "a stale writer's write is at most the one in flight";
/// Soaks are observed.
pub const SOAK: &str = "a soak counts only what was truly watched";
/// A phase is complete.
pub const COMPLETE: &str = "a passed phase has all its steps, usable, and judged as they are";
/// Protocol and reducer agree.
pub const AGREE: &str = "the rightful writer is never contradicted";
/// A finished rollback left nothing.
pub const EMPTY: &str = "a finished rollback left nothing";

/// The phases were walked to their end.
pub const PASSED: &str = "everything passed";
/// A rollback ended after something had existed.
pub const RETURNED: &str = "rolled back";
/// An undo failed.
pub const STUCK: &str = "stuck";
/// What an earlier attempt left behind was adopted.
pub const ADOPTED: &str = "adopted";

/// All properties.
pub fn properties() -> Vec<Property<Rig>> {
    vec![
        Property::always(ONCE, |_, state: &State| {
            !state.world.ghosts.doubled && state.world.places.iter().all(|place| place.live <= 1)
        }),
        Property::always(INTENT, |_, state: &State| !state.world.ghosts.unpermitted),
        Property::always(KNOWN, |rig, state: &State| is_late(state) || knows_all(rig, state)),
        Property::always(RESCUE, is_rescued),
        Property::always(GATES, gates_hold),
        Property::always(LEASE, |_, state: &State| !state.world.ghosts.stale_accepted),
        Property::always(FLIGHT, |_, state: &State| state.world.ghosts.late_writes <= 1),
        Property::always(SOAK, soaks_hold),
        Property::always(COMPLETE, |rig, state: &State| is_late(state) || passed_phases_are_complete(rig, state)),
        Property::always(AGREE, |_, state: &State| !state.world.ghosts.contradicted),
        Property::always(EMPTY, |_, state: &State| !state.world.ghosts.ended_full),
        Property::sometimes(PASSED, |rig: &Rig, state: &State| {
            rig.scenario.phases.iter().all(|phase| state.journal.has_passed(*phase))
        }),
        Property::sometimes(RETURNED, |_, state: &State| state.world.ghosts.returned),
        Property::sometimes(STUCK, |_, state: &State| state.journal.stuck().is_some()),
        Property::sometimes(ADOPTED, |_, state: &State| state.world.ghosts.adopted),
    ]
}

/// What a stale writer had in flight cannot be called back, nor known: see [`FLIGHT`] and [`RESCUE`].
fn is_late(state: &State) -> bool {
    state.world.ghosts.late_writes > 0
}

fn knows_all(rig: &Rig, state: &State) -> bool {
    rig.scenario.plan.steps().iter().zip(&state.world.places).all(|(step, place)| {
        place.live == 0 || !matches!(state.journal.status(&step.id), None | Some(StepStatus::Undone))
    })
}

fn gates_hold(rig: &Rig, state: &State) -> bool {
    rig.scenario.plan.steps().iter().zip(&state.world.places).all(|(step, place)| {
        !step.contract.is_judged()
            || state.journal.status(&step.id) != Some(StepStatus::Succeeded)
            || place.found == Some(Verdict::Pass)
    })
}

fn soaks_hold(rig: &Rig, state: &State) -> bool {
    rig.scenario.plan.steps().iter().zip(&state.world.places).all(|(step, place)| {
        let Contract::Soak { seconds } = step.contract else { return true };
        let Some(record) = state.journal.step(&step.id) else { return true };
        let watched = u64::from(place.watched);
        record.observed_seconds <= watched && (record.status != StepStatus::Succeeded || watched >= seconds)
    })
}

fn passed_phases_are_complete(rig: &Rig, state: &State) -> bool {
    let passed = |phase: &Phase| state.journal.has_passed(*phase);
    rig.scenario.plan.steps().iter().zip(&state.world.places).filter(|(step, _)| passed(&step.phase)).all(
        |(step, place)| {
            let is_usable = step.contract != Contract::Change || (place.live == 1 && !place.broken);
            state.journal.status(&step.id) == Some(StepStatus::Succeeded) && is_usable && !place.outdated
        },
    )
}
