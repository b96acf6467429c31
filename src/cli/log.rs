//! `migrate log`: what happened.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::Session;
use crate::journal::read_records;
use crate::report::{describe, utc};

/// Options of `migrate log`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate log              everything
  migrate log --last 20    the last twenty events
  migrate log --output json")]
pub struct LogArgs {
    /// Only the last so many events.
    #[arg(long, value_name = "COUNT")]
    last: Option<usize>,
}

impl LogArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let (replayed, records) = read_records(&session.directory().read_journal()?)?;
        let skipped = self.last.map_or(0, |last| records.len().saturating_sub(last));
        let shown = &records[skipped..];
        let mut lines: Vec<String> = shown
            .iter()
            .map(|record| format!("{:>5}  {}  {}", record.sequence, utc(record.at), describe(&record.entry.event)))
            .collect();
        lines.extend(replayed.warnings.iter().map(|warning| format!("note: {warning}")));
        if lines.is_empty() {
            lines.push("nothing happened yet".to_owned());
        }
        let result = json!({ "events": shown, "warnings": replayed.warnings });
        Ok(Answer::pass(lines.join("\n"), result))
    }
}
