//! What the documents say is what the program does. `UPDATE_GOLDEN=1 cargo test --test docs` rewrites the generated ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::fmt::Write;
use std::path::Path;

use migrate::configuration::{LoadOptions, load};
use migrate::core::{Catalog, Contract, Exit, KindEntry, Plan};
use migrate::steps::BuiltInKinds;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn golden(path: &str, fresh: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&full, fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&full).unwrap_or_default();
    assert!(committed == fresh, "{path} is stale: UPDATE_GOLDEN=1 cargo test --test docs");
}

/// The command line's reference, from the same description that parses it.
fn reference() -> String {
    let mut text = String::from(
        "# Command line\n\nGenerated from the program: `UPDATE_GOLDEN=1 cargo test --test docs`. Exit codes: [exit-codes.md](exit-codes.md).\n",
    );
    let mut root = migrate::cli::command().term_width(100).disable_help_subcommand(true);
    root.build();
    write!(text, "\n## migrate\n\n```\n{}\n```\n", root.render_long_help()).unwrap();
    for command in root.get_subcommands_mut() {
        let name = command.get_name().to_owned();
        write!(text, "\n## migrate {name}\n\n```\n{}\n```\n", command.render_long_help()).unwrap();
    }
    let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
    trimmed.join("\n") + "\n"
}

/// What a step's contract asks of it.
fn contract(contract: Contract) -> &'static str {
    match contract {
        Contract::Observe => "reads only",
        Contract::Change => "changes something, and its undo restores it",
        Contract::Gate => "reads only, and only a pass lets the phase continue",
        Contract::Soak { .. } => "reads only, until enough time was observed under gates that pass",
        Contract::Rehearsal => "has its phase undone and redone, and only a pass lets the phase continue",
        Contract::Exercise => "changes something, judges the result, and its undo restores it",
    }
}

/// One setting of a step: its name, whether it is required, its type and its description.
fn setting(name: &str, schema: &serde_json::Value, required: bool) -> String {
    let kind = match &schema["type"] {
        serde_json::Value::String(kind) => kind.clone(),
        serde_json::Value::Array(kinds) => {
            let named = kinds.iter().filter_map(serde_json::Value::as_str).filter(|kind| *kind != "null");
            named.collect::<Vec<_>>().join(" or ")
        }
        _ => "see `migrate schema`".to_owned(),
    };
    let need = if required { "required" } else { "optional" };
    let description = schema["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
    format!("| `{name}` | {kind} | {need} | {description} |\n")
}

fn step_kind(entry: &KindEntry, plan: &Plan) -> String {
    let (first, rest) = entry.summary.split_at(1);
    let summary = first.to_uppercase() + rest;
    let mut text = format!("\n## {}\n\n{summary}; {}.\n", entry.kind, contract(entry.contract));
    let used: Vec<String> =
        plan.steps().iter().filter(|step| step.kind == entry.kind).map(|step| format!("`{}`", step.id)).collect();
    let used = if used.is_empty() { "no step of the built-in phases".to_owned() } else { used.join(", ") };
    writeln!(text, "\n* Used by: {used}").unwrap();
    let provides: Vec<String> = entry.provides.iter().map(|fact| format!("`{fact}`")).collect();
    if !provides.is_empty() {
        writeln!(text, "* Provides: {}", provides.join(", ")).unwrap();
    }
    let schema = entry.settings.as_value();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_str).collect();
    let settings = schema["properties"].as_object().into_iter().flatten();
    let rows: String =
        settings.map(|(name, schema)| setting(name, schema, required.contains(&name.as_str()))).collect();
    if !rows.is_empty() {
        write!(text, "\n| setting | type | | meaning |\n|---|---|---|---|\n{rows}").unwrap();
    }
    text
}

/// The reference of the step kinds, from the catalogue and the built-in phases.
fn step_kinds() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let options = LoadOptions { rollout: root.join("rollout.yaml"), phases: Some(root.join("phases")) };
    let plan = load(&options, &BuiltInKinds).expect("the repository's own files are valid").plan;
    let mut text = String::from(
        "# Step kinds\n\nGenerated from the catalogue: `UPDATE_GOLDEN=1 cargo test --test docs`. The grammar of `phases/`: \
         [phases/README.md](../phases/README.md).\n",
    );
    text.extend(BuiltInKinds.entries().iter().map(|entry| step_kind(entry, &plan)));
    text
}

#[test]
fn the_reference_of_step_kinds_is_fresh() {
    golden("docs/steps.md", &step_kinds());
}

#[test]
fn the_command_line_reference_is_fresh() {
    golden("docs/cli.md", &reference());
}

#[test]
fn every_command_shows_examples() {
    let mut root = migrate::cli::command();
    root.build();
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:"), "`migrate {}` has no examples in its help", command.get_name());
    }
}

#[test]
fn the_exit_code_table_is_the_programs() {
    let document = read("docs/exit-codes.md");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| ") && !line.contains("meaning")).collect();
    let expected: Vec<String> =
        Exit::ALL.iter().map(|exit| format!("| {} | {} |", exit.code(), exit.meaning())).collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_runbook_has_every_state_a_run_can_be_in() {
    use migrate::core::{Outcome, StepStatus};
    let statuses = [
        StepStatus::Started,
        StepStatus::Succeeded,
        StepStatus::Failed(Outcome::Unknown),
        StepStatus::Undoing,
        StepStatus::Undone,
        StepStatus::Stuck,
    ];
    // A status that is added has to be added here, and then to the runbook.
    let number = |status: &StepStatus| match status {
        StepStatus::Started => 0,
        StepStatus::Succeeded => 1,
        StepStatus::Failed(_) => 2,
        StepStatus::Undoing => 3,
        StepStatus::Undone => 4,
        StepStatus::Stuck => 5,
    };
    assert!(statuses.iter().enumerate().all(|(place, status)| number(status) == place));
    let words: Vec<String> =
        std::iter::once("not started".to_owned()).chain(statuses.iter().map(ToString::to_string)).collect();
    let expected: Vec<String> = ["nothing is under way", "in phase N", "rolling back to N"]
        .iter()
        .flat_map(|now| words.iter().map(move |word| format!("| {now} | {word} |")))
        .collect();
    let document = read("docs/runbook.md");
    let rows: Vec<&str> = document
        .lines()
        .skip_while(|line| *line != "## Every state")
        .take_while(|line| *line != "## What stops a command")
        .filter(|line| line.starts_with("| ") && !line.starts_with("| now"))
        .collect();
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert!(row.starts_with(expected.as_str()), "{row} stands where {expected} should");
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.len() == 4 && cells[3].contains("`migrate "), "{row} names no command");
    }
}

#[test]
fn the_runbook_explains_every_exit_code_that_stops_a_run() {
    let document = read("docs/runbook.md");
    let stops = Exit::ALL.iter().filter(|exit| (4..=10).contains(&exit.code()));
    for exit in stops {
        assert!(document.contains(&format!("\n| {} | ", exit.code())), "{} is not in the runbook", exit.meaning());
    }
}

#[test]
fn documents_name_only_files_that_exist() {
    for document in [
        "README.md",
        "docs/architecture.md",
        "docs/formats.md",
        "docs/exit-codes.md",
        "docs/runbook.md",
        "lab/README.md",
    ] {
        let text = read(document);
        let named = text.split('`').skip(1).step_by(2).filter(|code| {
            let is_path = ["src/", "docs/", "tests/", "lab/", "phases/"].iter().any(|root| code.starts_with(root));
            is_path && !code.contains([' ', '*', '{', 'N'])
        });
        for path in named {
            let path = path.split([':', '#']).next().unwrap_or_default();
            let generated = path.starts_with("lab/.cache");
            assert!(
                generated || Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists(),
                "{document} names {path}, which does not exist"
            );
        }
    }
}
