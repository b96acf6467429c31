//! The contract of a step, held against every kind the registry has; one without a fixture here fails. Nothing in here
//! waits: time is virtual.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod changes;
mod clusters;
mod faults;
mod gates;
mod observers;
mod policy;
mod scenarios;
mod site;
mod stage;
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
        let changes = matches!(migrate::steps::build(planned).unwrap(), migrate::steps::Step::Change(_));
        assert_eq!(changes, planned.contract == migrate::core::Contract::Change, "{}", planned.kind);
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
