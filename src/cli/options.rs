//! Options of every command, and values that several commands read.

use std::path::PathBuf;

use clap::ValueEnum;

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalArgs {
    /// The rollout.
    #[arg(long, global = true, value_name = "FILE", default_value = "rollout.yaml", env = "MIGRATE_ROLLOUT")]
    pub rollout: PathBuf,
    /// Use the phase files of this directory instead of the built-in ones.
    #[arg(long, global = true, value_name = "DIR", env = "MIGRATE_PHASES")]
    pub phases: Option<PathBuf>,
    /// Where the journal and the evidence are kept [default: .migrate beside the rollout].
    #[arg(long, global = true, value_name = "DIR", env = "MIGRATE_STATE")]
    pub state: Option<PathBuf>,
    /// How to answer.
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text)]
    pub output: OutputFormat,
    /// Say only what is wrong.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more; twice for the libraries' own words too.
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No moving line, even on a terminal.
    #[arg(long, global = true)]
    pub no_progress: bool,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    Text,
    /// One JSON document on standard output; docs/formats.md.
    Json,
}

/// Reads a phase number.
///
/// # Errors
/// When it is none.
pub fn phase_number(text: &str) -> Result<crate::core::Phase, String> {
    let number: u8 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    crate::core::Phase::try_from(number).map_err(|error| error.to_string())
}
