//! A catalog of the kinds that `phases/` names, with settings of every shape.

use migrate::core::{Availability, Catalog, Contract, FactName, Input, KindEntry, StepKind};
use schemars::JsonSchema;

/// The kinds of the real phases, and `command`.
pub struct TestCatalog;

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Nothing {}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Permissions {
    caller: Input<String>,
    vpc: Input<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct SubnetGroup {
    subnets: Input<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct SecurityGroup {
    vpc: Input<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Ingress {
    group: Input<String>,
    from: Input<Vec<String>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct ReplicationGroup {
    subnet_group: Input<String>,
    security_group: Input<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct ConnectionTest {
    endpoint: Input<String>,
    /// How many commands are measured.
    #[schemars(range(min = 1))]
    samples: Option<u32>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Endpoint {
    endpoint: Input<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Baseline {
    baseline: Input<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Command {
    target: String,
    on_failure: Option<OnFailure>,
    run: String,
    verify: Option<String>,
    undo: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[allow(dead_code)]
enum OnFailure {
    /// Ends the phase.
    Stop,
    /// Goes on.
    Continue,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code)]
struct Target {
    target: String,
    release: Option<Input<String>>,
}

fn entry<Settings: JsonSchema>(kind: &str, contract: Contract, provides: &[&str]) -> KindEntry {
    KindEntry {
        kind: StepKind::new(kind),
        summary: "A kind of step for the tests.",
        contract,
        availability: Availability::Built,
        provides: provides.iter().map(|name| FactName::new(*name)).collect(),
        settings: schemars::schema_for!(Settings),
    }
}

impl Catalog for TestCatalog {
    fn entries(&self) -> Vec<KindEntry> {
        use Contract::{Change, Gate, Observe};
        let mut entries = vec![
            entry::<Nothing>("caller_identity", Observe, &["caller.arn"]),
            entry::<Nothing>(
                "network_facts",
                Observe,
                &["network.vpc", "network.subnets", "network.application_groups"],
            ),
            entry::<Permissions>("permissions", Gate, &[]),
            entry::<Nothing>("target_inspection", Gate, &[]),
            entry::<Nothing>("protected_baseline", Observe, &["protected.baseline"]),
            entry::<SubnetGroup>("cache_subnet_group", Change, &["subnet_group.name"]),
            entry::<SecurityGroup>("security_group", Change, &["security_group.id"]),
            entry::<Ingress>("ingress_rules", Change, &[]),
            entry::<ReplicationGroup>("replication_group", Change, &["cluster.endpoint", "cluster.id"]),
            entry::<ConnectionTest>("cache_connection_test", Gate, &[]),
            entry::<Endpoint>("refused_source", Gate, &[]),
            entry::<Baseline>("protected_unchanged", Gate, &[]),
            entry::<Endpoint>("copy_configuration", Change, &[]),
            entry::<Command>("command", Change, &[]),
            entry::<Target>("target_switch", Change, &["switch.release"]),
            entry::<Target>("target_gate", Gate, &[]),
            entry::<Target>("target_soak", Contract::SOAK, &[]),
        ];
        let unbuilt = [
            "application_copy",
            "session_bridge",
            "copy_process",
            "right_store_proof",
            "session_census",
            "data_gate",
            "side_by_side_comparison",
            "store_loss_drill",
            "rollback_rehearsal",
            "worker_ramp",
            "cross_worker_state",
            "memory_leak_test",
            "worker_recommendation",
            "production_entry_gate",
            "release_package",
            "session_cohort",
            "rolling_switch",
            "final_comparison",
        ];
        entries.extend(
            unbuilt.map(|kind| KindEntry {
                availability: Availability::NotBuiltYet,
                ..entry::<Nothing>(kind, Change, &[])
            }),
        );
        entries
    }
}
