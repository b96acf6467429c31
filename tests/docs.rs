//! What the documents say is what the program does. `UPDATE_GOLDEN=1 cargo test --test docs` rewrites the generated ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::fmt::Write;
use std::path::Path;

use migrate::core::Exit;

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
