//! A measurement, and how the journal points at it.

use serde::{Deserialize, Serialize};

use super::{ChecklistItem, Digest, PlanDigest, StepId, Subject, Verdict};

/// What a step measured, before it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What it says.
    pub verdict: Verdict,
    /// One line for a person.
    pub summary: String,
    /// The checklist items this proves when the verdict is a pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proves: Vec<ChecklistItem>,
    /// What decided a verdict that is not a pass, when several things were judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
    /// What it was measured on: an ARN, an endpoint, a target's name.
    pub resource: String,
    /// The numbers.
    pub data: serde_json::Value,
}

/// A stored measurement, version 1. Its file is named by the SHA-256 of its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceDocument {
    /// The format's version.
    pub version: u32,
    /// When it was measured, RFC 3339.
    pub measured_at: jiff::Timestamp,
    /// The plan it was measured under.
    pub plan: PlanDigest,
    /// The step that measured it.
    pub step: StepId,
    /// What was measured.
    #[serde(flatten)]
    pub measurement: Measurement,
}

/// The journal's pointer at a stored measurement, with what a check needs without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EvidenceRef {
    /// The SHA-256 of the document.
    pub digest: Digest,
    /// When it was measured.
    pub measured_at: jiff::Timestamp,
    /// The plan it was measured under.
    pub plan: PlanDigest,
    /// What it says.
    pub verdict: Verdict,
    /// One line for a person.
    pub summary: String,
    /// What it was measured on.
    pub resource: String,
    /// The checklist items it proves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proves: Vec<ChecklistItem>,
}
