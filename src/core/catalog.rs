//! Which kinds of step there are: what `configuration` needs to check `phases/` without knowing how a step works.

use super::{Availability, Contract, FactName, StepKind};

/// One kind of step.
#[derive(Debug, Clone)]
pub struct KindEntry {
    /// The single key of the step's map in `phases/`.
    pub kind: StepKind,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What its success takes.
    pub contract: Contract,
    /// Whether this version can run it.
    pub availability: Availability,
    /// Facts it provides.
    pub provides: Vec<FactName>,
    /// The JSON Schema of its settings, less the `id` that every step has.
    pub settings: schemars::Schema,
}

/// Every kind of step that `phases/` may name.
pub trait Catalog {
    /// All kinds, in the order in which they are documented.
    fn entries(&self) -> Vec<KindEntry>;
}
