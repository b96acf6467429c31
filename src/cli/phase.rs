//! `migrate phase N`: walk a phase, or go on where it stopped.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::Session;
use super::{signals, wiring};
use crate::core::{Event, Phase};
use crate::spec::{self, Style};

/// Options of `migrate phase`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate phase 1                 infrastructure and a connection test from staging
  migrate phase 1 --output json   the same, with one JSON document at the end

After a crash, a signal or a failure the same command goes on where it stopped.")]
pub struct PhaseArgs {
    /// Which phase: 0 (preflight) to 4.
    #[arg(value_parser = super::options::phase_number, value_name = "PHASE")]
    phase: Phase,
}

impl PhaseArgs {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let loaded = session.load()?;
        if !loaded.warnings.is_empty() {
            session.printer.remark(&spec::render_text(&loaded.warnings, Style::Plain));
        }
        let before = session.replay()?.state;
        let is_untouched = before.furthest_phase().is_none();
        if !is_untouched {
            session.refuse_drift(&loaded.plan, &before)?;
        }
        let cancel = signals::install()?;
        let audience = session.printer.audience();
        let reason = format!("migrate phase {}", self.phase.number());
        let mut ledger = session.open(&reason, &loaded.plan, audience.clone())?;
        if ledger.state().plan() != Some(loaded.plan.digest()) {
            // Nothing was under way: there is nothing that other files could contradict.
            ledger.append(Event::PlanReplaced {
                plan: loaded.plan.digest().clone(),
                by: super::session::operator(),
                reason: "nothing was under way".to_owned(),
            })?;
        }
        let world = wiring::world(&loaded.plan, &loaded.base_directory).await;
        let evidence = session.directory().evidence();
        let plan = loaded.plan.clone();
        let mut engine =
            wiring::engine(loaded.plan, ledger, evidence, world, loaded.base_directory, audience.clone(), cancel);
        let walked = engine.phase(self.phase).await;
        let state = engine.ledger().state().clone();
        engine.close()?;
        drop(audience);
        walked?;
        let next = super::status::next_command(&state, Some(&plan));
        let text = format!("{} passed.\nnext: {next}", self.phase);
        Ok(Answer::pass(text, json!({ "phase": self.phase, "passed": true, "facts": state.facts(), "next": next })))
    }
}
