//! Phase 4's steps, for as many targets as a test wants.

use migrate::core::{PlannedStep, StepId, TargetName};
use serde_json::Value;

use super::site;

/// The steps of phases/4-production.yaml that can run: those under `each_target` once for each of these targets.
pub fn steps(targets: &[&str]) -> Vec<PlannedStep> {
    let document: Value = site::read("phases/4-production.yaml");
    let mut steps = Vec::new();
    for item in document["steps"].as_array().unwrap() {
        match item.get("each_target") {
            None => steps.extend(planned(item, None)),
            Some(block) => {
                for target in targets {
                    steps.extend(block.as_array().unwrap().iter().filter_map(|step| planned(step, Some(target))));
                }
            }
        }
    }
    steps
}

/// One step; nothing when its kind is not built yet.
fn planned(step: &Value, target: Option<&str>) -> Option<PlannedStep> {
    let kind = step.as_object().unwrap().keys().next().unwrap();
    if !site::is_built(kind) {
        return None;
    }
    let mut planned = site::planned(4, step);
    let guards = planned.settings.as_object_mut().unwrap().remove("guards");
    let named = |id: &str| match target {
        None => StepId::new(format!("4.{id}")),
        Some(target) => StepId::new(format!("4.{target}.{id}")),
    };
    planned.guards = guards.map(|guards| named(guards.as_str().unwrap()));
    if let Some(target) = target {
        let id = planned.id.as_str().strip_prefix("4.").unwrap();
        planned.id = named(id);
        planned.settings["target"] = target.into();
        planned.target = Some(TargetName::new(target));
    }
    Some(planned)
}
