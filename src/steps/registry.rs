//! Every kind of step: the one list. A new kind is one file, and one line here.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use super::Step;
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
struct Row {
    name: &'static str,
    summary: &'static str,
    contract: Contract,
    provides: &'static [&'static str],
    settings: fn() -> Schema,
    build: Build,
}

/// The row of a kind that is built.
fn built<K: Kind>() -> Row {
    Row {
        name: K::NAME,
        summary: K::SUMMARY,
        contract: K::CONTRACT,
        provides: K::PROVIDES,
        settings: || SchemaGenerator::default().into_root_schema_for::<K::Settings>(),
        build: |settings| serde_json::from_value(settings.clone()).map(K::build),
    }
}

fn rows() -> Vec<Row> {
    vec![
        built::<super::caller_identity::CallerIdentity>(),
        built::<super::network_facts::NetworkFacts>(),
        built::<super::permissions::Permissions>(),
        built::<super::target_inspection::TargetInspection>(),
        built::<super::target_group_inspection::TargetGroupInspection>(),
        built::<super::cost_gate::CostGate>(),
        built::<super::protected_baseline::ProtectedBaseline>(),
        built::<super::cache_subnet_group::CacheSubnetGroup>(),
        built::<super::security_group::SecurityGroup>(),
        built::<super::ingress_rules::IngressRules>(),
        built::<super::replication_group::ReplicationGroup>(),
        built::<super::cache_connection_test::CacheConnectionTest>(),
        built::<super::refused_source::RefusedSource>(),
        built::<super::protected_unchanged::ProtectedUnchanged>(),
        built::<super::session_key_space::SessionKeySpace>(),
        built::<super::copy_process::CopyProcess>(),
        built::<super::command::Command>(),
        built::<super::command_soak::CommandSoak>(),
        built::<super::application_copy::ApplicationCopy>(),
        built::<super::session_bridge::SessionBridge>(),
        built::<super::copy_configuration::CopyConfiguration>(),
        built::<super::effective_settings::EffectiveSettings>(),
        built::<super::right_store_proof::RightStoreProof>(),
        built::<super::session_census::SessionCensus>(),
        built::<super::data_gate::DataGate>(),
        built::<super::side_by_side_comparison::SideBySideComparison>(),
        built::<super::store_loss_drill::StoreLossDrill>(),
        built::<super::rollback_rehearsal::RollbackRehearsal>(),
        built::<super::worker_ramp::WorkerRamp>(),
        built::<super::cross_worker_state::CrossWorkerState>(),
        built::<super::memory_leak_test::MemoryLeakTest>(),
        built::<super::worker_recommendation::WorkerRecommendation>(),
        built::<super::release_room::ReleaseRoom>(),
        built::<super::release_package::ReleasePackage>(),
        built::<super::release_trial::ReleaseTrial>(),
        built::<super::in_place_switch::InPlaceSwitch>(),
        built::<super::switched_processes::SwitchedProcesses>(),
        built::<super::session_cohort::SessionCohort>(),
        built::<super::switched_target_check::SwitchedTargetCheck>(),
        built::<super::production_entry_gate::ProductionEntryGate>(),
        built::<super::final_comparison::FinalComparison>(),
        built::<super::production_soak::ProductionSoak>(),
    ]
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
