//! `migrate replan`: accept changed files for a run that is under way.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::{Session, operator};
use crate::core::{Event, Exit, Plan};

/// Options of `migrate replan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate replan --reason 'bigger node type'

Every step is probed again under the new files before it counts as done.")]
pub struct ReplanArgs {
    /// Why; it stands in the journal.
    #[arg(long)]
    reason: String,
}

impl ReplanArgs {
    pub(super) fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let plan = session.load()?.plan;
        let state = session.replay()?.state;
        if state.run().is_none() {
            return Err(Trouble::new(Exit::Usage, "no run is under way", "`migrate phase 1` begins one"));
        }
        if state.plan() == Some(plan.digest()) {
            return Ok(Answer::pass("the files have not changed", json!({ "plan": plan.digest(), "changed": false })));
        }
        let pinned = session.pinned_plan(&state);
        if let Some(before) = pinned.as_ref().map(Plan::rollout).filter(|_| state.furthest_phase().is_some()) {
            let now = plan.rollout();
            for (what, is_same) in [("name", before.name == now.name), ("region", before.region == now.region)] {
                if !is_same {
                    return Err(Trouble::new(
                        Exit::PlanDrift,
                        format!("the rollout's {what} changed: what was created before would be lost from sight"),
                        format!("restore the {what}, or `migrate rollback --to 0` first"),
                    ));
                }
            }
        }
        let changes = super::drift::between(pinned.as_ref(), &plan);
        let mut ledger = session.open("migrate replan", &plan, session.printer.audience())?;
        ledger.append(Event::PlanReplaced { plan: plan.digest().clone(), by: operator(), reason: self.reason })?;
        ledger.close()?;
        let text = format!("plan {} accepted{changes}", plan.digest());
        Ok(Answer::pass(text, json!({ "plan": plan.digest(), "changed": true })))
    }
}
