//! `migrate rollback`: go back, from every state.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::discover;
use super::manual::manual;
use super::session::{Session, holder};
use super::walk::{EngineInputs, Walked, walk};
use super::wiring;
use crate::adapters::SystemClock;
use crate::configuration::InstalledFiles;
use crate::core::{Event, Exit, Phase, Plan, RunState};
use crate::engine::Engine;
use crate::journal::Ledger;
use crate::ports::Clock;
use crate::steps::account::tags;

/// Options of `migrate rollback`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate rollback                 undo the furthest phase
  migrate rollback --to 0          release everything this rollout created
  migrate rollback --discover      the journal is lost or damaged: work from what is in AWS and on the targets
  migrate rollback --discover --to 3
                                   the same, and keep what phases 1 to 3 created

Can be run twice, after a crash, in the middle of a phase, and after a failed rollback.")]
pub struct RollbackArgs {
    /// The phase whose end state is wanted [default: the one before the furthest; without a journal: 0].
    #[arg(long, value_parser = super::options::phase_number, value_name = "PHASE")]
    to: Option<Phase>,
    /// Why, for the journal.
    #[arg(long)]
    reason: Option<String>,
    /// Set the journal aside and release what is found in AWS (by tag) and on the targets (by name and mark). Prints how
    /// to do it by hand, too.
    #[arg(long)]
    discover: bool,
    /// Do not ask before releasing what was discovered.
    #[arg(long)]
    yes: bool,
}

impl RollbackArgs {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Trouble> {
        // Whoever holds the lock may be making what we would not see yet.
        session.refuse_locked()?;
        if self.discover {
            return Box::pin(self.discover(session)).await;
        }
        let state = session.replay()?.state;
        if state.run().is_none() {
            session.printer.remark("there is no journal; looking for what is left in AWS and on the targets");
            return Box::pin(self.discover(session)).await;
        }
        let Some(to) = self.to.or_else(|| default_target(&state)) else {
            return Ok(nothing(
                "the journal knows of nothing that stands; `migrate rollback --discover` looks in AWS and on the targets, too",
            ));
        };
        refuse_unreached(&state, to)?;
        let plan = match session.pinned_plan(&state) {
            Some(plan) => plan,
            None => session.load()?.plan,
        };
        self.go_back(session, plan, to, None).await
    }

    /// The rollback without a journal, from the tags in AWS and from what is on the targets.
    async fn discover(&self, session: &Session) -> Result<Answer, Trouble> {
        let to = self.to.unwrap_or(Phase::Preflight);
        let loaded = session.load()?;
        let world = wiring::world(&loaded.plan, &loaded.base_directory, &loaded.installed).await;
        discover::refuse_other_account(session, &loaded.plan, &world).await?;
        let found = discover::look(&loaded, &world, &session.printer).await?.beyond(to);
        if found.is_empty() {
            return Ok(nothing(&match to {
                Phase::Preflight => format!(
                    "nothing carries the tag {}={}, and no target has anything of it",
                    tags::ROLLOUT,
                    loaded.plan.rollout().name
                ),
                to => format!("no target has anything of a phase after {to}"),
            }));
        }
        let list = found.lines().join("\n  ");
        session.printer.remark(&format!("found:\n  {list}"));
        if to == Phase::Preflight {
            session.printer.remark(&manual(loaded.plan.rollout()));
        } else {
            session.printer.remark(&format!("kept: everything that {to} and the phases before it created"));
        }
        if !self.yes {
            match session.printer.confirm("Release all of it?") {
                Some(true) => {}
                Some(false) => return Ok(nothing("nothing was released").exit(Exit::Waiting)),
                None => {
                    return Err(Trouble::new(
                        Exit::Waiting,
                        format!("there is something of this rollout:\n  {list}"),
                        match self.to {
                            None => "`migrate rollback --discover --yes` releases it".to_owned(),
                            Some(to) => format!("`migrate rollback --discover --to {} --yes` releases it", to.number()),
                        },
                    ));
                }
            }
        }
        if let Some(aside) = session.directory().set_aside(holder(), SystemClock::new().now())? {
            session.printer.remark(&format!("the journal was set aside as {}", aside.display()));
        }
        let presumed = found.presumed(&loaded.plan);
        drop(found);
        self.go_back(session, loaded.plan, to, Some(presumed)).await
    }

    async fn go_back(
        &self,
        session: &Session,
        plan: Plan,
        to: Phase,
        presumed: Option<Event>,
    ) -> Result<Answer, Trouble> {
        let reason = format!("migrate rollback --to {}", to.number());
        // What was installed is removed by name.
        let inputs = EngineInputs { plan, base_directory: session.base_directory(), installed: InstalledFiles::new() };
        let mut count = 0;
        let prepare = |ledger: &mut Ledger| {
            if let Some(presumed) = presumed.filter(|_| ledger.state().started().next().is_none()) {
                ledger.append(presumed)?;
            }
            count = ledger.state().started().filter(|(_, record)| record.stands_beyond(to)).count();
            let long = if to < Phase::Infrastructure {
                "; deleting a replication group usually takes 5 to 15 minutes"
            } else {
                ""
            };
            session.printer.remark(&format!("rolling back to {to}: {count} steps to undo{long}"));
            Ok(())
        };
        let work = async |engine: &mut Engine| engine.rollback(to, self.reason.clone()).await;
        let Walked { state, ended } = walk(session, &reason, inputs, prepare, work).await?;
        match ended {
            Ok(()) => {
                let left = if to < Phase::Infrastructure { "nothing of this rollout is left" } else { "done" };
                let next = super::status::next_command(&state, None);
                Ok(Answer::pass(
                    format!("rolled back to {to}; {left}.\nnext: {next}"),
                    json!({ "to": to, "undone": count, "left_over": [], "next": next }),
                ))
            }
            Err(stop) => Err(stop.into()),
        }
    }
}

/// Refuses to roll back to the end of a phase that the run has not reached: nothing would happen, and the operator expects
/// that phase to stand.
fn refuse_unreached(state: &RunState, to: Phase) -> Result<(), Trouble> {
    let furthest = state.furthest_phase().unwrap_or(Phase::Preflight);
    if to <= furthest {
        return Ok(());
    }
    Err(Trouble::new(
        Exit::Usage,
        format!("this run has not reached {to}: the furthest phase of which something stands is {furthest}"),
        "`migrate status` shows where the run is",
    ))
}

fn nothing(why: &str) -> Answer {
    Answer::pass(format!("nothing to roll back: {why}"), json!({ "undone": 0, "reason": why }))
}

/// The phase before the furthest one; `None` when nothing stands.
fn default_target(state: &RunState) -> Option<Phase> {
    use crate::core::Direction;
    match state.direction() {
        // A rollback that was interrupted goes on to where it was going.
        Direction::Back(to) => Some(to),
        // Preflight only looked: there is nothing of it to undo.
        _ => state.furthest_phase().and_then(Phase::previous),
    }
}
