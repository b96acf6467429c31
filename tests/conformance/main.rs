//! The contract of a step, held against every kind the registry has; one without a fixture here fails. Nothing in here
//! waits: time is virtual.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod clusters;
mod cohorts;
mod comparison;
mod comparison_scenarios;
mod copies;
mod copy_gates;
mod copy_processes;
mod copy_scenarios;
mod exercises;
mod faults;
mod gates;
mod key_spaces;
mod observers;
mod out_of_service;
mod out_of_service_runs;
mod policy;
mod production;
mod production_gates;
mod production_site;
mod ramp_scenarios;
mod release_scenarios;
mod releases;
mod scaling;
mod scenarios;
mod site;
mod soak_scenarios;
mod stage;
mod store_loss;
#[path = "../support/mod.rs"]
mod support;
mod switch_scenarios;
mod switched_scenarios;
mod target_stage;
mod trial_scenarios;
mod two_targets;
mod walks;
mod whole_run;

use std::collections::BTreeSet;

use migrate::core::{Availability, Catalog};
use migrate::steps::BuiltInKinds;

#[test]
fn every_built_kind_is_tested() {
    let plan = site::plan(site::rollout());
    let tested: BTreeSet<String> = plan.steps().iter().map(|step| step.kind.to_string()).collect();
    for entry in BuiltInKinds.entries().iter().filter(|entry| entry.availability == Availability::Built) {
        assert!(
            tested.contains(entry.kind.as_str()),
            "{} has no fixture: add it to tests/conformance/site.rs",
            entry.kind
        );
    }
}

#[test]
fn what_can_change_something_says_so() {
    // A rollback undoes the steps whose contract is Change: a kind that hid a change would be left standing.
    let plan = site::plan(site::rollout());
    for planned in plan.steps() {
        let step = migrate::steps::build(planned).unwrap();
        assert_eq!(step.undoable().is_some(), planned.contract.changes(), "{}", planned.kind);
        let acts = matches!(step, migrate::steps::Step::Exercise(_));
        assert_eq!(acts, planned.contract == migrate::core::Contract::Exercise, "{}", planned.kind);
        // The engine looks at one again and again, and believes the other at once.
        let watches = matches!(step, migrate::steps::Step::Watch(_));
        let soaks = matches!(planned.contract, migrate::core::Contract::Soak { .. });
        assert_eq!(watches, soaks, "{}", planned.kind);
    }
}

#[test]
fn every_gate_has_a_scenario_that_makes_it_fail() {
    let broken: BTreeSet<&str> = scenarios::scenarios().iter().map(|scenario| scenario.kind).collect();
    for entry in BuiltInKinds.entries().iter().filter(|entry| entry.availability == Availability::Built) {
        if entry.contract.is_judged() {
            assert!(broken.contains(entry.kind.as_str()), "nothing makes {} fail: add it to scenarios.rs", entry.kind);
        }
    }
}
