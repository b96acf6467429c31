//! The repository's own files, and the starter.

use migrate::configuration::{LoadOptions, PhaseFiles, Sources, Style, load, load_sources, render_text, starter};
use migrate::core::{Phase, Plan, StepId};
use migrate::steps::BuiltInKinds;

use crate::support::{found, load_rollout, repository, text_of};

#[test]
fn the_repository_rollout_loads_without_a_word() {
    let options = LoadOptions { rollout: repository("rollout.yaml"), phases: None };
    let loaded = load(&options, &BuiltInKinds).unwrap_or_else(|found| panic!("{found}"));
    assert!(loaded.warnings.is_empty(), "{}", render_text(&loaded.warnings, Style::Plain));
    assert_eq!(loaded.base_directory, repository(""));
    assert!(Phase::ALL.into_iter().all(|phase| loaded.plan.steps_of(phase).count() > 0));
    let step = loaded.plan.step(&StepId::new("1.connection-test")).expect("the connection test");
    assert_eq!(step.settings, serde_json::json!({ "endpoint": "${cluster.endpoint}", "samples": 200 }));
    assert_eq!(step.requires.iter().map(migrate::core::FactName::as_str).collect::<Vec<_>>(), ["cluster.endpoint"]);
    assert_eq!(loaded.plan.title(Phase::Preflight), "Preflight (reads only)");
}

/// The block of YAML in the README that starts with this line.
fn block(first_line: &str) -> String {
    let readme = text_of("phases/README.md");
    let block = readme.split("```yaml\n").skip(1).find(|block| block.starts_with(first_line)).expect("the block");
    block.split("```").next().expect("its text").to_owned()
}

/// The repository's own plan, with a block of the README as one of its phases.
fn plan_with(phase: usize, first_line: &str) -> Plan {
    let mut phases = PhaseFiles::embedded();
    phases.phases[phase].bytes = block(first_line).into();
    let sources = Sources {
        rollout_name: "rollout.yaml".into(),
        rollout: text_of("rollout.yaml").into(),
        base_directory: None,
        phases,
    };
    let (plan, warnings) = load_sources(&sources, &BuiltInKinds).unwrap_or_else(|found| panic!("{found}"));
    assert!(warnings.is_empty());
    plan
}

#[test]
fn the_worked_example_of_the_readme_loads() {
    let plan = plan_with(2, "# 2-staging-copy.yaml");
    assert_eq!(plan.step(&StepId::new("2.temporary-files")).expect("the step").kind.as_str(), "command");
}

#[test]
fn the_example_of_each_target_in_the_readme_is_the_plan_that_it_says() {
    let plan = plan_with(4, "# 4-production.yaml");
    let ids: Vec<String> = plan.steps_of(Phase::Production).map(|step| format!("`{}`", step.id)).collect();
    let said = text_of("phases/README.md");
    let said = said.split("the plan has ").nth(1).and_then(|rest| rest.split(", in this order").next());
    assert_eq!(said.map(|text| text.replace(",\n", ", ")), Some(ids.join(", ")));
    plan.steps_of(Phase::Production).filter(|step| step.target.is_some()).for_each(|step| {
        migrate::steps::build(step).unwrap_or_else(|failure| panic!("{failure}"));
    });
}

#[test]
fn the_starter_loads_without_a_word() {
    let found = found(load_rollout(starter()));
    assert!(found.is_empty(), "{}", render_text(&found, Style::Plain));
}

#[test]
fn the_digest_depends_on_the_files_and_on_nothing_else() {
    let digest = |text: &str| load_rollout(text).expect("a plan").0.digest().clone();
    let commented = format!("# a comment\n{}", starter());
    assert_eq!(digest(starter()), digest(&commented));
    assert_ne!(digest(starter()), digest(&starter().replace("users: 50", "users: 51")));
}
