//! What may be typed.

use clap::{CommandFactory, Parser, Subcommand};

use super::{
    approve::ApproveArgs, check::CheckArgs, completions::CompletionsArgs, init::InitArgs, log::LogArgs, man::ManArgs,
    options::GlobalArgs, phase::PhaseArgs, plan::PlanArgs, replan::ReplanArgs, rollback::RollbackArgs,
    schema::SchemaArgs, stuck::StuckArgs, unlock::UnlockArgs,
};

/// Move a live Flask/Gunicorn application from per-instance sessions to a shared ElastiCache store, phase by phase,
/// without logging anyone out. Every phase can be rolled back, from any point.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  migrate init                 write a commented rollout.yaml
  migrate check                check rollout.yaml and phases/
  migrate check --live         check permissions, hosts and network, too
  migrate plan 1               show what phase 1 would create, and its cost
  migrate phase 1              run phase 1
  migrate status               show where the run is, and the next command
  migrate rollback             roll back

Exit codes: docs/exit-codes.md"
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented rollout.yaml to start from.
    Init(InitArgs),
    /// Show what would be created, changed and not touched, and what it costs. Reads only.
    Plan(PlanArgs),
    /// Judge the files and the recorded run; the gate that CI uses.
    Check(CheckArgs),
    /// Walk a phase, or go on where it stopped.
    Phase(PhaseArgs),
    /// Go back; legal from every state.
    Rollback(RollbackArgs),
    /// Show where the run stands and what to type next.
    #[command(after_help = "Examples:\n  migrate status\n  migrate status --output json | jq .result.next")]
    Status,
    /// Show what happened.
    Log(LogArgs),
    /// Allow a phase, by name and with a reason.
    Approve(ApproveArgs),
    /// Show who holds the lock, or take it away.
    Unlock(UnlockArgs),
    /// Print the smallest IAM policy for this rollout, its rollback included.
    #[command(
        after_help = "Examples:\n  migrate permissions > policy.json\n  aws iam put-role-policy --role-name ROLE --policy-name migrate --policy-document file://policy.json"
    )]
    Permissions,
    /// Accept changed files for a run that is under way.
    Replan(ReplanArgs),
    /// Settle a step whose undo failed.
    Stuck(StuckArgs),
    /// Print the JSON Schema of rollout.yaml or of a phase file.
    Schema(SchemaArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write one per command.
    Man(ManArgs),
}

impl Command {
    /// The command's name, as it stands in JSON output and in the lock.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Plan(_) => "plan",
            Self::Check(_) => "check",
            Self::Phase(_) => "phase",
            Self::Rollback(_) => "rollback",
            Self::Status => "status",
            Self::Log(_) => "log",
            Self::Approve(_) => "approve",
            Self::Unlock(_) => "unlock",
            Self::Permissions => "permissions",
            Self::Replan(_) => "replan",
            Self::Stuck(_) => "stuck",
            Self::Schema(_) => "schema",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// The command line as clap describes it, for completions, manual pages and `docs/cli.md`.
pub fn command() -> clap::Command {
    Cli::command()
}
