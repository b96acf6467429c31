//! Every kind of step: the one list. A new kind is one file, and one line here.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::{Step, account, cohort, copy, production, release, soak, store, store_loss, targets, workers};
use crate::core::{Availability, Catalog, Contract, FactName, Failure, KindEntry, PlannedStep, StepKind};

/// A kind of step: its name, its settings and how to make one.
pub trait Kind {
    /// Its settings in `phases/`.
    type Settings: DeserializeOwned + JsonSchema;
    /// The single key of its map.
    const NAME: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// What its success takes.
    const CONTRACT: Contract;
    /// Facts it provides.
    const PROVIDES: &'static [&'static str];

    /// Makes a step from its settings.
    fn build(settings: Self::Settings) -> Step;
}

/// Makes a step from its settings.
type Build = fn(&serde_json::Value) -> Result<Step, serde_json::Error>;

/// A row of the registry.
pub(super) struct Row {
    name: &'static str,
    summary: &'static str,
    contract: Contract,
    provides: &'static [&'static str],
    settings: fn() -> Schema,
    build: Build,
}

/// The row of a kind that is built.
pub(super) fn built<K: Kind>() -> Row {
    Row {
        name: K::NAME,
        summary: K::SUMMARY,
        contract: K::CONTRACT,
        provides: K::PROVIDES,
        settings: || SchemaGenerator::default().into_root_schema_for::<K::Settings>(),
        build: |settings| serde_json::from_value(settings.clone()).map(K::build),
    }
}

/// Every room's list, in the order of the phases.
fn rows() -> Vec<Row> {
    let ground = vec![built::<crate::steps::command::Command>(), built::<crate::steps::command_soak::CommandSoak>()];
    let rooms = [
        account::kinds::rows(),
        targets::kinds::rows(),
        store::kinds::rows(),
        copy::kinds::rows(),
        store_loss::kinds::rows(),
        workers::kinds::rows(),
        release::kinds::rows(),
        cohort::kinds::rows(),
        production::kinds::rows(),
        soak::kinds::rows(),
    ];
    rooms.into_iter().flatten().chain(ground).collect()
}

/// The built-in kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltInKinds;

impl Catalog for BuiltInKinds {
    fn entries(&self) -> Vec<KindEntry> {
        rows()
            .into_iter()
            .map(|row| KindEntry {
                kind: StepKind::new(row.name),
                summary: row.summary,
                contract: row.contract,
                availability: Availability::Built,
                provides: row.provides.iter().map(|name| FactName::new(*name)).collect(),
                settings: (row.settings)(),
            })
            .collect()
    }
}

/// Makes the step that a plan describes.
///
/// # Errors
/// When the kind is unknown, or its settings do not fit.
pub fn build(planned: &PlannedStep) -> Result<Step, Failure> {
    let unknown = || Failure::permanent(format!("{}: there is no step kind `{}`", planned.id, planned.kind));
    let row = rows().into_iter().find(|row| row.name == planned.kind.as_str()).ok_or_else(unknown)?;
    (row.build)(&planned.settings)
        .map_err(|error| Failure::permanent(format!("{}: its settings do not fit: {error}", planned.id)))
}
