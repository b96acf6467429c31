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
    /// `None`: the kind is known, but nothing runs it yet.
    build: Option<Build>,
}

/// The row of a kind that is built.
fn built<K: Kind>() -> Row {
    Row {
        name: K::NAME,
        summary: K::SUMMARY,
        contract: K::CONTRACT,
        provides: K::PROVIDES,
        settings: || SchemaGenerator::default().into_root_schema_for::<K::Settings>(),
        build: Some(|settings| serde_json::from_value(settings.clone()).map(K::build)),
    }
}

/// The row of a kind that later phases will bring. Its settings are free until then.
fn announced(name: &'static str, contract: Contract, summary: &'static str) -> Row {
    Row {
        name,
        summary,
        contract,
        provides: &[],
        settings: || schemars::json_schema!({ "type": "object" }),
        build: None,
    }
}

fn rows() -> Vec<Row> {
    vec![
        built::<super::caller_identity::CallerIdentity>(),
        built::<super::network_facts::NetworkFacts>(),
        built::<super::permissions::Permissions>(),
        built::<super::target_inspection::TargetInspection>(),
        built::<super::cost_gate::CostGate>(),
        built::<super::protected_baseline::ProtectedBaseline>(),
        built::<super::cache_subnet_group::CacheSubnetGroup>(),
        built::<super::security_group::SecurityGroup>(),
        built::<super::ingress_rules::IngressRules>(),
        built::<super::replication_group::ReplicationGroup>(),
        built::<super::cache_connection_test::CacheConnectionTest>(),
        built::<super::refused_source::RefusedSource>(),
        built::<super::protected_unchanged::ProtectedUnchanged>(),
        built::<super::command::Command>(),
        announced("application_copy", Contract::Change, "copies the live tree beside the original on staging"),
        announced("session_bridge", Contract::Change, "installs the session bridge in the copy"),
        announced("copy_configuration", Contract::Change, "gives the copy its own port, files and settings"),
        announced("copy_process", Contract::Change, "runs the copy beside the original"),
        announced("right_store_proof", Contract::Gate, "finds a session opened on the copy on this store and no other"),
        announced("session_census", Contract::Observe, "counts types, sizes and lifetimes of staging's sessions"),
        announced("data_gate", Contract::Gate, "compares every session value by type after a round trip"),
        announced("side_by_side_comparison", Contract::Gate, "compares the copy with the original under load"),
        announced("store_loss_drill", Contract::Gate, "cuts the path to the store and watches the copy"),
        announced("rollback_rehearsal", Contract::Gate, "undoes and redoes phase 2 once, and times it"),
        announced("worker_ramp", Contract::Gate, "tries worker counts under load"),
        announced("cross_worker_state", Contract::Gate, "looks for state that is not shared between workers"),
        announced("memory_leak_test", Contract::Gate, "judges the slope of memory over time"),
        announced("worker_recommendation", Contract::Gate, "finds the knee and recommends a count"),
        announced("production_entry_gate", Contract::Gate, "asks for fresh evidence and an approval"),
        announced("release_package", Contract::Change, "puts a content-addressed release beside the running one"),
        announced("session_cohort", Contract::Change, "opens synthetic users before the change"),
        announced("rolling_switch", Contract::Change, "switches one instance at a time, with a soak after each"),
        announced("final_comparison", Contract::Gate, "compares the manifests of all registered targets"),
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
                availability: if row.build.is_some() { Availability::Built } else { Availability::NotBuiltYet },
                provides: row.provides.iter().map(|name| FactName::new(*name)).collect(),
                settings: (row.settings)(),
            })
            .collect()
    }
}

/// Makes the step that a plan describes.
///
/// # Errors
/// When the kind is unknown or not built yet, or its settings do not fit.
pub fn build(planned: &PlannedStep) -> Result<Step, Failure> {
    let unknown = || Failure::permanent(format!("{}: there is no step kind `{}`", planned.id, planned.kind));
    let row = rows().into_iter().find(|row| row.name == planned.kind.as_str()).ok_or_else(unknown)?;
    let build = row.build.ok_or_else(|| {
        Failure::permanent(format!("{}: `{}` is not built yet in this version", planned.id, planned.kind))
    })?;
    build(&planned.settings)
        .map_err(|error| Failure::permanent(format!("{}: its settings do not fit: {error}", planned.id)))
}
