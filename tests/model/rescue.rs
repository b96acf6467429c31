//! From here, does a rollback that meets no more faults end with an empty world, and a phase that meets none pass?

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use migrate::core::{
    Direction, Event, Fence, Holder, Phase, PlanDigest, PresumedStep, RunId, RunState, Verdict, tripped,
};

use crate::operator::Command;
use crate::position::{At, Process, Turn};
use crate::process::advance;
use crate::rig::{Rig, State};

/// More micro-steps than any walk through these small plans takes.
const ENOUGH: usize = 200;

/// Whether a fresh process that is asked to roll back brings the world back to empty, and the journal says so.
///
/// What a stale writer had in flight is in no journal; there `migrate rollback --discover` is the way, as the engine
/// tells the operator, and it is tried when the journal's own way has found something left over.
pub fn is_rescued(rig: &Rig, state: &State) -> bool {
    let key = key_of(state);
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

/// Whether fresh processes that are asked for the scenario's phases bring them to their end. Nobody may ask for a phase
/// while a step is stuck or a rollback is under way.
pub fn can_go_on(rig: &Rig, state: &State) -> bool {
    if state.journal.stuck().is_some() || matches!(state.journal.direction(), Direction::Back(_)) {
        return true;
    }
    let key = key_of(state);
    if rig.passed.lock().expect("no panic while it is held").contains(&key) {
        return true;
    }
    let mut later = state.clone();
    later.processes = [None, None];
    // An Abort that was not carried out yet is all that the first command does.
    if tripped(&later.journal, &rig.scenario.plan).is_some() {
        run(rig, &mut later, Command::Phase(rig.scenario.phases[0]));
    }
    for phase in &rig.scenario.phases {
        run(rig, &mut later, Command::Phase(*phase));
    }
    let passes = rig.scenario.phases.iter().all(|phase| later.journal.has_passed(*phase));
    if passes && !later.world.ghosts.contradicted {
        rig.passed.lock().expect("no panic while it is held").insert(key);
    }
    passes
}

fn key_of(state: &State) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((&state.journal, &state.world))
}

fn has_ended(state: &State) -> bool {
    state.world.is_empty()
        && state.journal.direction() == Direction::Idle
        && state.journal.furthest_phase().is_none()
        && !state.world.ghosts.contradicted
}

fn roll_back(rig: &Rig, state: &mut State) {
    run(rig, state, Command::Rollback);
}

/// A process that meets no faults.
fn run(rig: &Rig, state: &mut State, command: Command) {
    state.processes[0] = Some(Process::asked_for(command));
    for _ in 0..ENOUGH {
        let Some(process) = &state.processes[0] else { return };
        let turn = match process.at {
            At::Judge(_) => Turn::Says(Verdict::Pass),
            At::Watch(_) => Turn::Shows(Verdict::Pass),
            _ => Turn::Well,
        };
        advance(rig, state, 0, turn);
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
