//! Permits, from events as the engine would journal them.

use migrate::core::rollout::Rollout;
use migrate::core::{
    ApplyPermit, Contract, Digest, Event, Failure, Fence, Holder, Outcome, Phase, PlanDigest, RunId, RunState, Stamped,
    StepId, UndoPermit,
};

fn step() -> StepId {
    StepId::new("1.test")
}

fn begun() -> Vec<Event> {
    vec![
        Event::LeaseTaken { holder: Holder::new("test@here pid 1"), reason: "test".into() },
        Event::RunOpened { run: RunId::new("r"), rollout: "test".into(), plan: PlanDigest(Digest::zero()) },
        Event::PhaseStarted { phase: Phase::Preflight, steps: vec![] },
        Event::PhasePassed { phase: Phase::Preflight },
        Event::PhaseStarted { phase: Phase::Infrastructure, steps: vec![step()] },
        Event::StepStarted { step: step(), phase: Phase::Infrastructure, contract: Contract::Change },
    ]
}

fn replay(events: Vec<Event>) -> RunState {
    let stamped: Vec<Stamped> = events.into_iter().map(|event| Stamped { fence: Fence(1), event }).collect();
    RunState::replay(&stamped).expect("legal events")
}

pub fn apply() -> ApplyPermit {
    replay(begun()).apply_permit(&step()).expect("a permit")
}

pub fn undo() -> UndoPermit {
    let mut events = begun();
    events.push(Event::StepFailed { step: step(), outcome: Outcome::Unknown, failure: Failure::transient("test") });
    events.push(Event::RollbackStarted { to: Phase::Preflight, reason: None });
    events.push(Event::UndoStarted { step: step() });
    replay(events).undo_permit(&step()).expect("a permit")
}

/// The rollout in the repository, with a staging host called `staging`.
pub fn rollout() -> Rollout {
    let text = include_str!("../../../rollout.yaml");
    let mut rollout: Rollout = serde_yaml::from_str(text).expect("rollout.yaml");
    rollout.staging.host = super::sshd::staging();
    rollout
}
