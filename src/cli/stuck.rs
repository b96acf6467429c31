//! `migrate stuck`: settle a step whose undo failed.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::{Session, operator};
use crate::core::{Event, Exit, Resolution, StepId};

/// Options of `migrate stuck`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate stuck retry 1.security-group --reason 'the other holder is gone'
  migrate stuck forget 1.security-group --reason 'deleted by hand'
  migrate stuck forget 1.security-group --reason 'the network team owns it now, our tag is off'
  migrate stuck adopt 1.security-group --reason 'we go forward after all'")]
pub struct StuckArgs {
    /// What to do with it.
    #[arg(value_enum)]
    how: How,
    /// Which step.
    step: String,
    /// Why; it stands in the journal.
    #[arg(long)]
    reason: String,
}

/// What to do with a stuck step.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum How {
    /// The next rollback tries again.
    Retry,
    /// It counts as done again, for the way forward; a later rollback undoes it.
    Adopt,
    /// It counts as undone: it no longer exists, or does not belong to this rollout. What still carries this rollout's
    /// tag is then reported as left over.
    Forget,
}

impl StuckArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let state = session.replay()?.state;
        let step = StepId::new(self.step);
        if state.stuck().is_none_or(|(stuck, _)| stuck != &step) {
            return Err(Trouble::new(Exit::Usage, format!("{step} is not stuck"), "`migrate status` shows what is"));
        }
        let plan = match session.pinned_plan(&state) {
            Some(plan) => plan,
            None => session.load()?.plan,
        };
        let resolution = match self.how {
            How::Retry => Resolution::Retried,
            How::Adopt => Resolution::Adopted,
            How::Forget => Resolution::Forgotten,
        };
        let mut ledger = session.open("migrate stuck", &plan, session.printer.audience())?;
        ledger.append(Event::settled(step.clone(), resolution, operator(), self.reason))?;
        let next = super::status::next_command(ledger.state(), Some(&plan));
        ledger.close()?;
        Ok(Answer::pass(
            format!("{step} settled.\nnext: {next}"),
            json!({ "step": step, "resolution": resolution, "next": next }),
        ))
    }
}
