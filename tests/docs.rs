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
fn documents_name_only_files_that_exist() {
    for document in ["README.md", "docs/architecture.md", "docs/formats.md", "docs/exit-codes.md", "lab/README.md"] {
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
