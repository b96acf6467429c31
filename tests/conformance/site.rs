//! The site and the plan that the kinds are tested with: the repository's own rollout.yaml and phases/, and one step of
//! each kind that those do not use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use migrate::configuration::{InstalledFiles, PhaseFiles};
use migrate::core::rollout::Rollout;
use migrate::core::{Availability, Catalog, Digest, Phase, Plan, PlannedStep, StepId, StepKind};
use migrate::steps::BuiltInKinds;
use serde_json::{Value, json};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub fn read<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub fn rollout() -> Rollout {
    static ROLLOUT: LazyLock<Rollout> = LazyLock::new(|| read("rollout.yaml"));
    ROLLOUT.clone()
}

/// The same with a load that is no longer than it has to be: every kind of phase 3 comes after a whole ramp.
pub fn shorter() -> Rollout {
    let mut rollout = rollout();
    rollout.load.duration = std::time::Duration::from_secs(120).into();
    rollout
}

pub fn plan(rollout: Rollout) -> Plan {
    plan_with(rollout, |_| {})
}

/// The plan, with the steps' settings changed first.
pub fn plan_with(rollout: Rollout, change: impl Fn(&mut PlannedStep)) -> Plan {
    static STEPS: LazyLock<Vec<PlannedStep>> = LazyLock::new(steps);
    static FILES: LazyLock<BTreeMap<String, Digest>> =
        LazyLock::new(|| installed().into_iter().map(|(path, bytes)| (path, Digest::of(&bytes))).collect());
    let mut steps = STEPS.clone();
    steps.iter_mut().for_each(change);
    Plan::new(rollout, BTreeMap::new(), steps, FILES.clone()).unwrap()
}

fn steps() -> Vec<PlannedStep> {
    let mut steps = Vec::new();
    for (phase, file) in [(0, "phases/0-preflight.yaml"), (1, "phases/1-infrastructure.yaml")] {
        let document: Value = read(file);
        for step in document["steps"].as_array().unwrap() {
            steps.push(planned(phase, step));
        }
    }
    steps.push(planned(
        1,
        &json!({ "command": {
        "id": "command", "target": "staging", "run": "touch flag", "verify": "test flag", "undo": "rm flag",
    } }),
    ));
    let look = "echo 100\ntest flag || exit 2\ntest flag";
    steps.push(planned(1, &json!({ "command_soak": { "id": "soak", "target": "staging", "look": look } })));
    let later = ["2-staging-copy", "3-worker-tuning"].map(|name| format!("phases/{name}.yaml"));
    for (phase, file) in (2..).zip(&later) {
        let document: Value = read(file);
        for step in document["steps"].as_array().unwrap() {
            let kind = step.as_object().unwrap().keys().next().unwrap();
            let known: Vec<String> = steps.iter().map(|step| step.kind.to_string()).collect();
            if is_built(kind) && !known.contains(kind) {
                steps.push(planned(phase, step));
            }
        }
    }
    for step in super::production::steps(&["production-1"]) {
        if steps.iter().all(|known| known.kind != step.kind) {
            steps.push(step);
        }
    }
    steps
}

/// The files that phases install.
pub fn installed() -> InstalledFiles {
    PhaseFiles::embedded().installed
}

pub fn is_built(kind: &str) -> bool {
    let entries = BuiltInKinds.entries();
    entries.iter().any(|entry| entry.kind.as_str() == kind && entry.availability == Availability::Built)
}

pub fn planned(phase: u8, step: &Value) -> PlannedStep {
    let (kind, settings) = step.as_object().unwrap().iter().next().unwrap();
    let mut settings = settings.clone();
    let id = settings.as_object_mut().unwrap().remove("id").unwrap();
    let entries = BuiltInKinds.entries();
    let entry = entries.iter().find(|entry| entry.kind.as_str() == kind).unwrap();
    PlannedStep {
        id: StepId::new(format!("{phase}.{}", id.as_str().unwrap())),
        phase: Phase::try_from(phase).unwrap(),
        kind: StepKind::new(kind.as_str()),
        settings,
        contract: entry.contract.on(&rollout()),
        availability: Availability::Built,
        requires: Vec::new(),
        provides: entry.provides.clone(),
        guards: None,
        target: None,
    }
}

/// The one step of a kind.
pub fn step_of<'a>(plan: &'a Plan, kind: &str) -> &'a PlannedStep {
    plan.steps().iter().find(|step| step.kind.as_str() == kind).unwrap_or_else(|| panic!("no step of kind {kind}"))
}
