//! Help, whole: of the program, of each command, and what a command line without a command gets.

use crate::site::{Site, snapshot};

/// Every command but clap's own `help`.
fn commands() -> Vec<String> {
    let line = migrate::cli::command();
    line.get_subcommands().map(|command| command.get_name().to_owned()).filter(|name| name != "help").collect()
}

#[test]
fn the_program_explains_itself() {
    let site = Site::empty();
    let short = site.migrate(&["-h"]).expect(0);
    let long = site.migrate(&["--help"]).expect(0);
    let none = site.migrate(&[]).expect(2);
    let version = site.migrate(&["--version"]).expect(0);
    let transcripts = [short, long, none, version].map(|said| said.transcript());
    snapshot!("help", transcripts.join("\n"));
}

#[test]
fn every_command_explains_itself() {
    let site = Site::empty();
    for command in commands() {
        let said = site.migrate(&[&command, "--help"]).expect(0);
        snapshot!(format!("help_{command}"), said.transcript());
        assert_eq!(site.migrate(&["help", &command]).expect(0).stdout, said.stdout, "help {command}");
    }
}
