//! Looking without a run: `migrate check --live` walks preflight's observers and journals nothing.

use std::path::PathBuf;

use crate::core::{Facts, Failure, Measurement, Phase, Plan, StepId, Verdict};
use crate::ports::ProgressSink;
use crate::steps::{self, ReadContext, ReadPorts, Step};

/// What one observer found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which step.
    pub step: StepId,
    /// What it measured.
    pub measurements: Vec<Measurement>,
    /// What was wrong.
    pub failure: Option<Failure>,
}

impl Finding {
    /// The worst of what it measured; `Abort` when it failed, a pass when it only remembered something.
    pub fn verdict(&self) -> Verdict {
        match &self.failure {
            Some(failure) if failure.class == crate::core::FailureClass::Inconclusive => Verdict::Inconclusive,
            Some(_) => Verdict::Abort,
            None if self.measurements.is_empty() => Verdict::Pass,
            None => Verdict::over(self.measurements.iter().map(|measurement| measurement.verdict)),
        }
    }
}

/// Runs preflight's observers in order, all of them: one failure does not hide the next.
pub async fn look(plan: &Plan, ports: &ReadPorts, base: &PathBuf, progress: &dyn ProgressSink) -> Vec<Finding> {
    let mut facts = Facts::new();
    let mut findings = Vec::new();
    for planned in plan.steps_of(Phase::Preflight) {
        let step = planned.id.clone();
        let failed = |failure| Finding { step: step.clone(), measurements: Vec::new(), failure: Some(failure) };
        findings.push(match steps::build(planned) {
            Err(failure) => failed(failure),
            // Preflight reads only: a change in it is a mistake in phases/.
            Ok(Step::Change(_) | Step::Exercise(_)) => {
                failed(Failure::permanent(format!("{step} would change something in preflight")))
            }
            Ok(Step::Watch(_)) => failed(Failure::permanent(format!("{step} would watch for hours in preflight"))),
            Ok(Step::Observe(observer)) => {
                let context = ReadContext { plan, facts: &facts, base_directory: base, ports, progress };
                match observer.observe(&context).await {
                    Err(failure) => failed(failure),
                    Ok(seen) => {
                        facts.extend(&seen.facts);
                        let contract_broken = planned.contract.is_judged() && seen.measurements.is_empty();
                        let failure = seen.failure.or_else(|| {
                            contract_broken.then(|| {
                                Failure::new(
                                    crate::core::FailureClass::Inconclusive,
                                    format!("{step} measured nothing"),
                                )
                            })
                        });
                        Finding { step: step.clone(), measurements: seen.measurements, failure }
                    }
                }
            }
        });
    }
    findings
}
