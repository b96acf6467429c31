//! A phase 2 of a script, a soak that guards it, and a gate; and a staging host of which the soak sees three files:
//! without `healthy` it aborts, without `steady` it holds, without `clear` it cannot tell.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate::core::rollout::Rollout;
use migrate::core::{
    Availability, Contract, Event, Phase, Plan, PlannedStep, StepId, StepKind, StepRecord, StepStatus, TargetName,
};
use migrate::ports::EventSink;
use migrate::sim::World;
use serde_json::{Value, json};

use crate::stage::{Command, Stage};

/// What the soak looks at.
pub const LOOK: &str = "echo 100\ntest healthy || exit 2\ntest steady\ntest clear || exit 3";

/// A planned step.
pub fn step(name: &str, kind: &str, contract: Contract, settings: Value) -> PlannedStep {
    let number: u8 = name.split('.').next().and_then(|number| number.parse().ok()).expect("a phase's number");
    PlannedStep {
        id: StepId::new(name),
        phase: Phase::try_from(number).expect("a phase"),
        kind: StepKind::new(kind),
        settings,
        contract,
        availability: Availability::Built,
        requires: Vec::new(),
        provides: Vec::new(),
        guards: None,
        target: None,
    }
}

/// A script that makes a file on a target.
pub fn script(name: &str, target: &str, file: &str) -> PlannedStep {
    let [run, verify, undo] = ["touch", "test", "rm"].map(|word| format!("{word} {file}"));
    let settings = json!({ "target": target, "run": run, "verify": verify, "undo": undo });
    step(name, "command", Contract::Change, settings)
}

/// A soak of a target that guards a step.
pub fn soak(name: &str, target: &str, guarded: &str, rollout: &Rollout) -> PlannedStep {
    let settings = json!({ "target": target, "look": LOOK });
    let soak = step(name, "command_soak", Contract::SOAK.on(rollout), settings);
    PlannedStep { guards: Some(StepId::new(guarded)), ..soak }
}

/// The same step, repeated for a target.
pub fn of(target: &str, step: PlannedStep) -> PlannedStep {
    PlannedStep { target: Some(TargetName::new(target)), ..step }
}

/// The repository's rollout, with a soak of five minutes.
pub fn short() -> Rollout {
    let mut rollout = Stage::new().plan.rollout().clone();
    rollout.soak.duration = Duration::from_secs(300).into();
    (rollout.soak.minimum_requests, rollout.soak.peak_hour_requests) = (1, None);
    rollout
}

/// Preflight and phase 1 as they are, and the phase 2 of this file.
pub fn plan(rollout: Rollout) -> Plan {
    let whole = Stage::new().plan;
    let mut steps: Vec<_> = whole.steps().iter().filter(|step| step.phase < Phase::StagingCopy).cloned().collect();
    steps.extend([
        script("2.copy", "staging", "copy"),
        soak("2.soak", "staging", "2.copy", &rollout),
        step("2.after", "cost_gate", Contract::Gate, json!({})),
    ]);
    Plan::new(rollout, BTreeMap::new(), steps, BTreeMap::new()).expect("a plan")
}

/// Phase 1 has passed, and all is well.
pub async fn ready(rollout: Rollout) -> Stage {
    let stage = Stage::with(plan(rollout));
    stage.run(Command::Phase, None).await.expect("nothing goes wrong");
    for file in ["healthy", "steady", "clear"] {
        put(&stage.world, file);
    }
    stage
}

/// The staging host's name.
fn staging() -> String {
    short().staging.host.to_string()
}

/// Puts a file on staging.
pub fn put(world: &World, file: &str) {
    world.edit(|state| state.hosts.get_mut(&staging()).expect("staging").files.insert(file.to_owned()));
}

/// Takes a file from staging.
pub fn take(world: &World, file: &str) {
    world.edit(|state| state.hosts.get_mut(&staging()).expect("staging").files.remove(file));
}

/// Whether a file is on a host.
pub fn stands(stage: &Stage, file: &str) -> bool {
    stage.world.edit(|state| state.hosts[&staging()].files.contains(file))
}

/// How far a step is.
pub fn status(stage: &Stage, name: &str) -> Option<StepStatus> {
    stage.state().status(&StepId::new(name))
}

/// What the journal says of a step.
pub fn record(stage: &Stage, name: &str) -> StepRecord {
    stage.state().step(&StepId::new(name)).expect("it was started").clone()
}

/// Something that is done to the world after so many windows.
type Deed = Box<dyn Fn(&World) + Send + Sync>;

/// Does things to the world after so many windows of a soak.
pub struct Fate {
    world: World,
    windows: Mutex<usize>,
    deeds: Vec<(usize, Deed)>,
}

impl Fate {
    /// Nothing happens yet.
    pub fn of(stage: &Stage) -> Self {
        Self { world: stage.world.clone(), windows: Mutex::default(), deeds: Vec::new() }
    }

    /// After that window, this happens.
    pub fn after(mut self, window: usize, deed: impl Fn(&World) + Send + Sync + 'static) -> Self {
        self.deeds.push((window, Box::new(deed)));
        self
    }

    /// To be heard by an engine.
    pub fn sink(self) -> Arc<dyn EventSink> {
        Arc::new(self)
    }
}

impl EventSink for Fate {
    fn recorded(&self, _: jiff::Timestamp, event: &Event) {
        if !matches!(event, Event::SoakObserved { .. }) {
            return;
        }
        let mut windows = self.windows.lock().expect("nobody panics here");
        *windows += 1;
        self.deeds.iter().filter(|(window, _)| window == &*windows).for_each(|(_, deed)| deed(&self.world));
    }
}
