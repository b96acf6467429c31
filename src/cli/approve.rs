//! `migrate approve`: a person's word that a phase may be entered.

use std::time::Duration;

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::{Session, operator};
use crate::core::{Event, Exit, Phase, approval_ends_early, rollout::HumanDuration};
use crate::report::utc;

/// Options of `migrate approve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate approve 4 --reason 'CHG-1234, agreed with support' --for 8h")]
pub struct ApproveArgs {
    /// Which phase.
    #[arg(value_parser = super::options::phase_number, value_name = "PHASE")]
    phase: Phase,
    /// Why; it stands in the journal.
    #[arg(long)]
    reason: String,
    /// For how long, at most 30 days.
    #[arg(long = "for", value_name = "DURATION", default_value = "24h", value_parser = duration)]
    valid_for: HumanDuration,
    /// In whose name [default: the account that types].
    #[arg(long)]
    by: Option<String>,
}

/// What a person agreed to is forgotten after a month, and the people on call are others.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

fn duration(text: &str) -> Result<HumanDuration, String> {
    let duration = HumanDuration::try_from(text.to_owned()).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        return Err("an approval for no time approves nothing".to_owned());
    }
    if duration.get() > LONGEST {
        return Err("an approval holds for at most 30d: the approver has to look again before a later change, so \
                    approve again when it is due"
            .to_owned());
    }
    Ok(duration)
}

impl ApproveArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        if self.reason.trim().is_empty() {
            return Err(Trouble::new(Exit::Usage, "an approval needs a reason", "--reason 'the change ticket, say'"));
        }
        let plan = session.load()?.plan;
        session.refuse_drift(&plan, &session.replay()?.state)?;
        let audience = session.printer.audience();
        let mut ledger = session.open(&format!("migrate approve {}", self.phase.number()), &plan, audience)?;
        let by = self.by.unwrap_or_else(operator);
        let overflow = |error: jiff::Error| {
            Trouble::new(Exit::Usage, format!("that is too long: {error}"), "--for 24h, for example")
        };
        let expires_at = ledger.now().checked_add(self.valid_for.get()).map_err(overflow)?;
        ledger.append(Event::Approved {
            phase: self.phase,
            by: by.clone(),
            reason: self.reason.clone(),
            expires_at,
            plan: plan.digest().clone(),
        })?;
        let early = (self.phase == Phase::Production)
            .then(|| approval_ends_early(ledger.state(), &plan, ledger.now()))
            .flatten()
            .map(|early| early.to_string());
        ledger.close()?;
        let note = early.as_ref().map(|early| format!("\nnote: {early}")).unwrap_or_default();
        let text = format!("{} approved by {by} until {}{note}", self.phase, utc(expires_at));
        Ok(Answer::pass(text, json!({ "phase": self.phase, "by": by, "expires_at": expires_at, "note": early })))
    }
}
