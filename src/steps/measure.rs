//! Shorthand for measurements and for what the gates have in common.

use serde_json::Value;

use crate::core::{Failure, FailureClass, Measurement, Verdict};

/// A measurement that proves nothing on the checklist.
pub fn measurement(
    verdict: Verdict,
    resource: impl Into<String>,
    summary: impl Into<String>,
    data: Value,
) -> Measurement {
    Measurement {
        verdict,
        summary: summary.into(),
        proves: Vec::new(),
        subjects: Vec::new(),
        resource: resource.into(),
        data,
    }
}

/// The class of failure that a verdict amounts to; `None` for a pass.
pub fn class_of(verdict: Verdict) -> Option<FailureClass> {
    match verdict {
        Verdict::Pass => None,
        Verdict::Inconclusive => Some(FailureClass::Inconclusive),
        Verdict::Hold | Verdict::Abort => Some(FailureClass::Gate),
    }
}

/// The failure that some measurements amount to: every bad one's words; `None` when all pass.
pub fn failure_of(measurements: &[Measurement], hint: &str) -> Option<Failure> {
    let class = class_of(Verdict::over(measurements.iter().map(|measurement| measurement.verdict)))?;
    let bad: Vec<&str> = measurements
        .iter()
        .filter(|measurement| !measurement.verdict.passes())
        .map(|measurement| measurement.summary.as_str())
        .collect();
    let message = if bad.is_empty() { "nothing was measured".to_owned() } else { bad.join("\n") };
    Some(Failure::new(class, message).hint(hint))
}
