//! What several test crates share: a small plan on the repository's own rollout.yaml, and shorthand for events.
#![allow(dead_code, reason = "each test crate uses its own part")]

use std::collections::BTreeMap;

use migrate::core::rollout::Rollout;
use migrate::core::{
    Availability, ChecklistItem, Contract, Digest, EvidenceRef, Phase, Plan, PlanDigest, PlannedStep, StepId, StepKind,
    Verdict,
};

/// The repository's own rollout.yaml.
pub fn rollout() -> Rollout {
    serde_yaml::from_str(include_str!("../../rollout.yaml")).expect("rollout.yaml is valid")
}

/// A step's name.
pub fn id(text: &str) -> StepId {
    StepId::new(text)
}

/// A planned step of no particular kind.
pub fn planned(name: &str, phase: Phase, contract: Contract) -> PlannedStep {
    PlannedStep {
        id: id(name),
        phase,
        kind: StepKind::new("tested"),
        settings: serde_json::Value::Null,
        contract,
        availability: Availability::Built,
        requires: Vec::new(),
        provides: Vec::new(),
    }
}

/// A plan of these steps.
pub fn plan(steps: Vec<PlannedStep>) -> Plan {
    Plan::new(rollout(), BTreeMap::new(), steps, BTreeMap::new()).expect("a plan can be written as JSON")
}

/// A moment, in seconds of 2026.
pub fn at(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_225_600 + seconds).expect("a moment")
}

/// Evidence with this verdict.
pub fn evidence(
    plan: &PlanDigest,
    measured_at: jiff::Timestamp,
    verdict: Verdict,
    proves: &[ChecklistItem],
) -> EvidenceRef {
    EvidenceRef {
        digest: Digest::of(format!("{measured_at} {verdict} {proves:?}").as_bytes()),
        measured_at,
        plan: plan.clone(),
        verdict,
        summary: "measured".into(),
        resource: "the store".into(),
        proves: proves.to_vec(),
    }
}
