//! `migrate rollback`: go back, from every state.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::{Session, holder};
use super::{signals, wiring};
use crate::adapters::SystemClock;
use crate::core::{Availability, Contract, Event, Exit, Phase, Plan, PresumedStep, RunState, StepRecord, StepStatus};
use crate::ports::{Clock, TaggedResource};
use crate::steps::tags;

/// Options of `migrate rollback`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate rollback                 undo the furthest phase
  migrate rollback --to 0          release everything this rollout created
  migrate rollback --discover      the journal is lost or damaged: work from what carries this rollout's tag

Can be run twice, after a crash, in the middle of a phase, and after a failed rollback.")]
pub struct RollbackArgs {
    /// The phase whose end state is wanted [default: the one before the furthest].
    #[arg(long, value_parser = super::options::phase_number, value_name = "PHASE")]
    to: Option<Phase>,
    /// Why, for the journal.
    #[arg(long)]
    reason: Option<String>,
    /// Set the journal aside and release what carries this rollout's tag.
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
            return self.discover(session).await;
        }
        let state = session.replay()?.state;
        if state.run().is_none() {
            session.printer.remark("there is no journal; looking for what carries this rollout's tag");
            return self.discover(session).await;
        }
        let Some(to) = self.to.or_else(|| default_target(&state)) else {
            return Ok(nothing(
                "the journal knows of nothing that stands; `migrate rollback --discover` looks in AWS too",
            ));
        };
        let plan = match session.pinned_plan(&state) {
            Some(plan) => plan,
            None => session.load()?.plan,
        };
        self.go_back(session, plan, to, Vec::new()).await
    }

    /// The way of last resort: everything comes from tags.
    async fn discover(&self, session: &Session) -> Result<Answer, Trouble> {
        let loaded = session.load()?;
        let world = wiring::world(&loaded.plan, &loaded.base_directory).await;
        let name = loaded.plan.rollout().name.as_str();
        let found = world.read.cloud.tagged(tags::ROLLOUT, name).await?;
        if found.is_empty() {
            return Ok(nothing(&format!("nothing carries the tag {}={name}", tags::ROLLOUT)));
        }
        let list: Vec<String> = found.iter().map(|resource| format!("{} {}", resource.kind, resource.name)).collect();
        let list = list.join(", ");
        session.printer.remark(&format!("found: {list}"));
        if !self.yes {
            match session.printer.confirm("Release all of it?") {
                Some(true) => {}
                Some(false) => return Ok(nothing("nothing was released").exit(Exit::Waiting)),
                None => {
                    return Err(Trouble::new(
                        Exit::Waiting,
                        format!("this rollout's tag is on: {list}"),
                        "`migrate rollback --discover --yes` releases it",
                    ));
                }
            }
        }
        if let Some(aside) = session.directory().set_aside(holder(), SystemClock::new().now())? {
            session.printer.remark(&format!("the journal was set aside as {}", aside.display()));
        }
        self.go_back(session, loaded.plan, Phase::Preflight, found).await
    }

    async fn go_back(
        &self,
        session: &Session,
        plan: Plan,
        to: Phase,
        found: Vec<TaggedResource>,
    ) -> Result<Answer, Trouble> {
        let cancel = signals::install()?;
        let audience = session.printer.audience();
        let reason = format!("migrate rollback --to {}", to.number());
        let mut ledger = session.open(&reason, &plan, audience.clone())?;
        if !found.is_empty() && ledger.state().started().next().is_none() {
            ledger.append(presumed(&plan, &found))?;
        }
        let stands = |record: &StepRecord| {
            record.phase > to && record.contract == Contract::Change && record.status != StepStatus::Undone
        };
        let count = ledger.state().started().filter(|(_, record)| stands(record)).count();
        session.printer.remark(&format!(
            "rolling back to {to}: {count} steps to undo{}",
            if to < Phase::Infrastructure {
                "; deleting a replication group usually takes 5 to 15 minutes"
            } else {
                ""
            }
        ));
        let base = session.base_directory();
        let world = wiring::world(&plan, &base).await;
        let evidence = session.directory().evidence();
        let mut engine = wiring::engine(plan, ledger, evidence, world, base, audience.clone(), cancel);
        let walked = engine.rollback(to, self.reason.clone()).await;
        let state = engine.ledger().state().clone();
        engine.close()?;
        drop(audience);
        match walked {
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

/// Every step that changes something in phases up to the one that makes what was found.
fn presumed(plan: &Plan, found: &[TaggedResource]) -> Event {
    let steps = plan
        .steps()
        .iter()
        .filter(|step| step.phase == Phase::Infrastructure && step.contract == Contract::Change)
        .filter(|step| step.availability == Availability::Built)
        .map(|step| PresumedStep { step: step.id.clone(), phase: step.phase, contract: step.contract })
        .collect();
    Event::StepsPresumed { steps, reason: format!("{} things carry this rollout's tag", found.len()) }
}
