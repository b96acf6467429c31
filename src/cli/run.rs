//! From the command line to an exit code.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::answer::{Answer, Trouble};
use super::args::{Cli, Command, command as command_line};
use super::printer::Printer;
use super::session::Session;
use crate::core::Exit;

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if !is_help && wants_json() {
                let trouble = Trouble::new(Exit::Usage, error.to_string(), "`migrate --help`");
                return ExitCode::from(Printer::json(named_command()).trouble(&trouble).code());
            }
            // clap prints help and version on standard output, mistakes on standard error. A closed pipe is no error.
            let _ = error.print();
            return ExitCode::from(if is_help { Exit::Pass } else { Exit::Usage }.code());
        }
    };
    start_tracing(cli.global.verbose);
    let printer = Printer::new(&cli.global, cli.command.name());
    let session = Session::new(cli.global, printer.clone());
    let exit = match dispatch(&session, cli.command) {
        Ok(answer) => printer.answer(&answer),
        Err(trouble) => printer.trouble(&trouble),
    };
    ExitCode::from(exit.code())
}

/// Whether a program reads the answer, as far as a command line that could not be understood can tell.
fn wants_json() -> bool {
    let words: Vec<std::ffi::OsString> = std::env::args_os().collect();
    words.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
        || words.iter().any(|word| word == "--output=json")
}

/// The command that a command line names, when the rest of it could not be understood; empty when it names none.
fn named_command() -> String {
    let understood = command_line().ignore_errors(true).try_get_matches();
    understood.ok().and_then(|matches| matches.subcommand_name().map(str::to_owned)).unwrap_or_default()
}

fn dispatch(session: &Session, command: Command) -> Result<Answer, Trouble> {
    match command {
        Command::Init(args) => args.run(session),
        Command::Check(args) if !args.live => args.run(session, &[]),
        Command::Status => super::status::run(session),
        Command::Log(args) => args.run(session),
        Command::Approve(args) => args.run(session),
        Command::Unlock(args) => args.run(session),
        Command::Permissions => super::permissions::run(session),
        Command::Replan(args) => args.run(session),
        Command::Stuck(args) => args.run(session),
        Command::Schema(args) => args.run(),
        Command::Completions(args) => Ok(args.run(command_line())),
        Command::Man(args) => args.run(command_line()),
        Command::Plan(args) => within_runtime(args.run(session)),
        Command::Check(args) => within_runtime(args.run_live(session)),
        Command::Phase(args) => within_runtime(args.run(session)),
        Command::Rollback(args) => within_runtime(args.run(session)),
    }
}

/// Only commands that talk to the world pay for a runtime.
fn within_runtime(work: impl Future<Output = Result<Answer, Trouble>>) -> Result<Answer, Trouble> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|error| {
            Trouble::new(Exit::Internal, format!("no runtime: {error}"), "free some memory or threads")
        })?;
    let answer = runtime.block_on(work);
    // A blocking name look-up must not hold up the exit after a signal.
    runtime.shutdown_background();
    answer
}

/// The libraries' own words, on standard error, only when asked for twice. They never hold our secrets: those are
/// redacted by type before any library sees them, and the SDK redacts its own.
fn start_tracing(verbose: u8) {
    let default = if verbose > 1 { "info" } else { "off" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("MIGRATE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
