//! From here, does a rollback that meets no more faults end with an empty world?

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use migrate::core::{Direction, Event, Fence, Holder, Phase, PlanDigest, PresumedStep, RunId, RunState};

use crate::operator::Command;
use crate::position::{Process, Turn};
use crate::process::advance;
use crate::rig::{Rig, State};

/// More micro-steps than any rollback of these small plans takes.
const ENOUGH: usize = 200;

/// Whether a fresh process that is asked to roll back brings the world back to empty, and the journal says so.
///
/// What a stale writer had in flight is in no journal; there `migrate rollback --discover` is the way, as the engine
/// tells the operator, and it is tried when the journal's own way has found something left over.
pub fn is_rescued(rig: &Rig, state: &State) -> bool {
    let key = BuildHasherDefault::<DefaultHasher>::default().hash_one((&state.journal, &state.world));
    if rig.rescued.lock().expect("no panic while it is held").contains(&key) {
        return true;
    }
    let mut later = state.clone();
    later.processes = [None, None];
    roll_back(rig, &mut later);
    if !has_ended(&later) && later.world.ghosts.late_writes > 0 {
        discover(rig, &mut later);
        roll_back(rig, &mut later);
    }
    let rescued = has_ended(&later);
    if rescued {
        rig.rescued.lock().expect("no panic while it is held").insert(key);
    }
    rescued
}

fn has_ended(state: &State) -> bool {
    state.world.is_empty()
        && state.journal.direction() == Direction::Idle
        && state.journal.furthest_phase().is_none()
        && !state.world.ghosts.contradicted
}

fn roll_back(rig: &Rig, state: &mut State) {
    state.processes[0] = Some(Process::asked_for(Command::Rollback));
    for _ in 0..ENOUGH {
        if state.processes[0].is_none() {
            return;
        }
        advance(rig, state, 0, Turn::Well);
    }
}

/// The journal is set aside; a new one presumes every step.
fn discover(rig: &Rig, state: &mut State) {
    let plan = &rig.scenario.plan;
    let presume = |step: &migrate::core::PlannedStep| PresumedStep {
        step: step.id.clone(),
        phase: step.phase,
        contract: step.contract,
    };
    state.journal = Arc::new(RunState::default());
    let digest: PlanDigest = plan.digest().clone();
    let events = [
        Event::LeaseTaken { holder: Holder::new("discoverer"), reason: "modelled".into() },
        Event::RunOpened { run: RunId::new("again"), rollout: "rollout".into(), plan: digest },
        Event::StepsPresumed { steps: plan.steps().iter().map(presume).collect(), reason: "tagged".into() },
        Event::LeaseReleased,
    ];
    for event in events {
        assert!(state.absorb(Fence(1), event), "a fresh journal takes these");
    }
    debug_assert!(state.journal.furthest_phase() >= Some(Phase::Preflight));
}
