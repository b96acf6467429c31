//! `each_target`: the steps that come of it.

use migrate::core::{Contract, Plan, PlannedStep, StepId};

use crate::support::{codes, found, load_phase, load_rollout, text_of};

/// Two steps for all targets, and three that are repeated between them.
const PHASE: &str = r#"
version: 1
phase: 4
title: Production
steps:
  - release_package: { id: package }
  - each_target:
      - target_switch: { id: switch }
      - target_gate: { id: healthy, guards: switch, release: "${switch.release}" }
      - target_soak: { id: soak, guards: switch }
  - final_comparison: { id: final }
"#;

fn plan() -> Plan {
    load_phase(4, PHASE).expect("it is right").0
}

fn production(plan: &Plan) -> Vec<&PlannedStep> {
    plan.steps().iter().filter(|step| step.phase.number() == 4).collect()
}

fn step<'p>(plan: &'p Plan, id: &str) -> &'p PlannedStep {
    plan.step(&StepId::new(id)).unwrap_or_else(|| panic!("no step {id}"))
}

#[test]
fn steps_are_repeated_for_each_target_in_the_declared_order() {
    let plan = plan();
    let ids: Vec<&str> = production(&plan).iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "4.package",
            "4.production-1.switch",
            "4.production-1.healthy",
            "4.production-1.soak",
            "4.production-2.switch",
            "4.production-2.healthy",
            "4.production-2.soak",
            "4.final",
        ]
    );
}

#[test]
fn each_is_told_its_target_and_guards_its_own() {
    let plan = plan();
    for target in ["production-1", "production-2"] {
        let healthy = step(&plan, &format!("4.{target}.healthy"));
        assert_eq!(healthy.settings, serde_json::json!({ "target": target, "release": "${switch.release}" }));
        assert_eq!(healthy.target.as_ref().map(ToString::to_string).as_deref(), Some(target));
        assert_eq!(healthy.guards, Some(StepId::new(format!("4.{target}.switch"))));
    }
    assert_eq!((&step(&plan, "4.package").target, &step(&plan, "4.package").guards), (&None, &None));
}

#[test]
fn a_soak_lasts_as_long_as_the_rollout_says() {
    assert_eq!(step(&plan(), "4.production-2.soak").contract, Contract::Soak { seconds: 86_400 });
    assert_eq!(step(&plan(), "4.production-2.switch").contract, Contract::Change);
}

#[test]
fn guards_may_stand_outside_of_a_block_too() {
    let phase = "version: 1\nphase: 2\ntitle: Copy\nsteps:\n  - copy_process: { id: process }\n  - target_gate: { id: healthy, target: staging, guards: process }\n";
    let (plan, warnings) = load_phase(2, phase).expect("it is right");
    assert!(warnings.is_empty());
    assert_eq!(step(&plan, "2.healthy").guards, Some(StepId::new("2.process")));
}

#[test]
fn a_target_that_is_added_makes_another_plan() {
    let rollout = text_of("rollout.yaml");
    let last = "    - { name: production-2,";
    let more = "    - { name: production-3, host: third, instance: third }\n    - { name: production-2,";
    let before = load_rollout(rollout.clone()).expect("it is right").0;
    let after = load_rollout(rollout.replace(last, more)).expect("it is right").0;
    assert_ne!(before.digest(), after.digest());
}

#[test]
fn what_a_gate_guards_is_part_of_the_plan() {
    let without = load_phase(4, PHASE.replace("{ id: soak, guards: switch }", "{ id: soak }")).expect("it is right").0;
    assert_ne!(without.digest(), plan().digest());
}

#[test]
fn a_plan_without_any_of_it_is_written_as_before() {
    let plan = load_rollout(text_of("rollout.yaml")).expect("it is right").0;
    let text = plan.to_json().expect("JSON");
    for word in ["\"guards\"", "on_abort", "hold_at_most", "requests_per_window", "coverage"] {
        assert!(!text.contains(word), "{word}: plans from before it would have another digest");
    }
}

#[test]
fn two_blocks_are_two_rounds_and_know_nothing_of_each_other() {
    let two = r"
version: 1
phase: 4
title: Production
steps:
  - each_target:
      - target_switch: { id: switch }
  - each_target:
      - target_gate: { id: healthy, target_is: written }
";
    assert_eq!(codes(&found(load_phase(4, two))), ["grammar/unknown-key"]);
    let two = two.replace(", target_is: written", "");
    let plan = load_phase(4, two.clone()).expect("it is right").0;
    let ids: Vec<&str> = production(&plan).iter().map(|step| step.id.as_str()).collect();
    let expected =
        ["4.production-1.switch", "4.production-2.switch", "4.production-1.healthy", "4.production-2.healthy"];
    assert_eq!(ids, expected);
    let guarded = two.replace("{ id: healthy }", "{ id: healthy, guards: switch }");
    assert_eq!(codes(&found(load_phase(4, guarded))), ["phases/guards"]);
    let asked = two.replace("{ id: healthy }", "{ id: healthy, release: \"${switch.release}\" }");
    assert_eq!(codes(&found(load_phase(4, asked))), ["phases/fact-of-a-target"]);
}
