//! The site and the plan that the kinds are tested with: the repository's own rollout.yaml and phases/, and one step of
//! each kind that those do not use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate::core::rollout::Rollout;
use migrate::core::{Availability, Catalog, Phase, Plan, PlannedStep, StepId, StepKind};
use migrate::steps::BuiltInKinds;
use serde_json::{Value, json};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

pub fn rollout() -> Rollout {
    read("rollout.yaml")
}

pub fn plan(rollout: Rollout) -> Plan {
    plan_with(rollout, |_| {})
}

/// The plan, with the steps' settings changed first.
pub fn plan_with(rollout: Rollout, change: impl Fn(&mut PlannedStep)) -> Plan {
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
    steps.iter_mut().for_each(change);
    Plan::new(rollout, BTreeMap::new(), steps, BTreeMap::new()).unwrap()
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
        contract: entry.contract,
        availability: Availability::Built,
        requires: Vec::new(),
        provides: entry.provides.clone(),
    }
}

/// The one step of a kind.
pub fn step_of<'a>(plan: &'a Plan, kind: &str) -> &'a PlannedStep {
    plan.steps().iter().find(|step| step.kind.as_str() == kind).unwrap_or_else(|| panic!("no step of kind {kind}"))
}
