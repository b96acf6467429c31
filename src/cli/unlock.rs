//! `migrate unlock`: who holds the lock, and taking it away.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::Session;
use crate::core::Exit;
use crate::journal::{LockState, break_lock, inspect_lock};
use crate::report::utc;

/// Options of `migrate unlock`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate unlock                                    who holds the lock?
  migrate unlock --force --reason 'laptop is gone'  take it away

A crashed process lets go by itself. The holder of a lock that was taken away stops before it writes again.")]
pub struct UnlockArgs {
    /// Take it away from a live holder.
    #[arg(long, requires = "reason")]
    force: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
}

impl UnlockArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let path = session.directory().lock_path();
        let LockState::Held(info) = inspect_lock(&path)? else {
            return Ok(Answer::pass("no process holds the lock", json!({ "held": false })));
        };
        let who = info.as_ref().map_or_else(
            || "a process that left no name".to_owned(),
            |info| {
                let heartbeat = utc(info.heartbeat_at);
                format!("{} since {} for `{}`, last alive {heartbeat}", info.holder, utc(info.taken_at), info.reason)
            },
        );
        if !self.force {
            return Err(Trouble::new(
                Exit::Locked,
                format!("held by {who}"),
                "when that process must not go on: `migrate unlock --force --reason WHY`",
            ));
        }
        break_lock(&path)?;
        session.printer.remark(&format!("reason: {}", self.reason.unwrap_or_default()));
        Ok(Answer::pass(format!("taken away from {who}"), json!({ "held": false, "taken_from": info })))
    }
}
