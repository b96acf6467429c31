//! What must hold in every state, and what must be reachable for that to mean anything.

use migrate::core::{Contract, Phase, StepStatus, Verdict};
use stateright::Property;

use crate::rescue::{can_go_on, is_rescued};
use crate::rig::{Rig, State};
use crate::scenario::Scenario;

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
/// Nothing is redone before everything is undone.
pub const TURNED: &str = "nothing is made in a rehearsal before everything before it is gone";
/// A rehearsal went there and back.
pub const REHEARSED: &str = "a rehearsal succeeds only after everything was gone and is back";
/// Whatever happened, the same command goes on.
pub const FORTH: &str = "the phase asked for again from here passes, unless a person or a rollback has to go first";
/// A finished rollback left nothing.
pub const EMPTY: &str = "a finished rollback left nothing";

/// An Abort is carried out.
pub const REVERTED: &str = "at rest, nothing stands that a gate's Abort has condemned, unless a person has to look";
/// One target at a time.
pub const ORDERED: &str = "nothing is made before every soak before it has passed";

/// The phases were walked to their end.
pub const PASSED: &str = "everything passed";
/// A rollback ended after something had existed.
pub const RETURNED: &str = "rolled back";
/// A rehearsal succeeded.
pub const TRIED: &str = "rehearsed";
/// An undo failed.
pub const STUCK: &str = "stuck";
/// What an earlier attempt left behind was adopted.
pub const ADOPTED: &str = "adopted";

/// Something was undone because a gate said so.
pub const ABORTED: &str = "aborted";

/// All properties of a scenario.
pub fn properties(scenario: &Scenario) -> Vec<Property<Rig>> {
    let rehearses = scenario.plan.steps().iter().any(|step| step.contract == Contract::Rehearsal);
    let guards = scenario.plan.steps().iter().any(|step| step.guards.is_some());
    let aborted: Property<Rig> = Property::sometimes(ABORTED, |_, state: &State| state.world.ghosts.reverted);
    let tried: Property<Rig> = Property::sometimes(TRIED, |_, state: &State| state.world.ghosts.rehearsed);
    let mut all = vec![
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
        Property::always(TURNED, |_, state: &State| !state.world.ghosts.redone_early),
        Property::always(REHEARSED, |_, state: &State| !state.world.ghosts.unrehearsed),
        Property::always(REVERTED, |_, state: &State| {
            let is_at_rest = state.journal.holder().is_none() && state.journal.stuck().is_none();
            !is_at_rest || state.world.places.iter().all(|place| !place.condemned || place.live == 0)
        }),
        Property::always(ORDERED, |_, state: &State| !state.world.ghosts.overtaken),
        Property::always(FORTH, |rig, state: &State| is_late(state) || can_go_on(rig, state)),
        Property::sometimes(PASSED, |rig: &Rig, state: &State| {
            rig.scenario.phases.iter().all(|phase| state.journal.has_passed(*phase))
        }),
        Property::sometimes(RETURNED, |_, state: &State| state.world.ghosts.returned),
        Property::sometimes(STUCK, |_, state: &State| state.journal.stuck().is_some()),
        Property::sometimes(ADOPTED, |_, state: &State| state.world.ghosts.adopted),
    ];
    all.extend(rehearses.then_some(tried));
    all.extend(guards.then_some(aborted));
    all
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
            let is_usable = !step.contract.changes() || (place.live == 1 && !place.broken);
            state.journal.status(&step.id) == Some(StepStatus::Succeeded) && is_usable && !place.outdated
        },
    )
}
