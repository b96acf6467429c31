//! One production target of rollout.yaml.

use crate::core::Failure;
use crate::core::rollout::{CohortNumbers, ProductionTarget, Rollout};

/// The target of this name.
///
/// # Errors
/// When rollout.yaml has none.
pub fn find<'r>(rollout: &'r Rollout, name: &str) -> Result<&'r ProductionTarget, Failure> {
    let mut targets = rollout.production.targets.iter();
    targets.find(|target| target.name.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = rollout.production.targets.iter().map(|target| target.name.as_str()).collect();
        Failure::permanent(format!("there is no production target `{name}`"))
            .hint(format!("set `target:` of this step in phases/ to one of {}", names.join(", ")))
    })
}

/// The numbers of the synthetic users on it.
pub fn numbers(rollout: &Rollout, target: &ProductionTarget) -> CohortNumbers {
    let position = rollout.production.targets.iter().position(|other| other.name == target.name);
    rollout.cohort.numbers(position.unwrap_or(0))
}
