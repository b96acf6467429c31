//! `migrate phase N`: walk a phase, or go on where it stopped.

use serde_json::json;

use super::answer::{Answer, Trouble};
use super::session::Session;
use super::walk::{EngineInputs, Walked, walk};
use crate::configuration::{self, Style};
use crate::core::{Event, Exit, Phase};
use crate::engine::{Engine, Stop};
use crate::journal::Ledger;

/// Options of `migrate phase`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate phase 1                 infrastructure and a connection test from staging
  migrate phase 1 --output json   the same, with one JSON document at the end
  migrate phase 4 --once          go on, and look at one window of a soak: for cron, a timer, a CI schedule

After a crash, a signal or a failure the same command goes on where it stopped. With --once, exit code 6 says that a
soak takes longer: the same command observes its next window, and time in between does not count.")]
pub struct PhaseArgs {
    /// Which phase: 0 (preflight) to 4.
    #[arg(value_parser = super::options::phase_number, value_name = "PHASE")]
    phase: Phase,
    /// Look at no more than one window of a soak, and say how much is left.
    #[arg(long)]
    once: bool,
}

impl PhaseArgs {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let loaded = session.load()?;
        if !loaded.warnings.is_empty() {
            session.printer.remark(&configuration::render_text(&loaded.warnings, Style::Plain));
        }
        let before = session.replay()?.state;
        let is_untouched = before.furthest_phase().is_none();
        if !is_untouched {
            session.refuse_drift(&loaded.plan, &before)?;
        }
        let once = if self.once { " --once" } else { "" };
        let reason = format!("migrate phase {}{once}", self.phase.number());
        let plan = loaded.plan.clone();
        let inputs =
            EngineInputs { plan: loaded.plan, base_directory: loaded.base_directory, installed: loaded.installed };
        let prepare = |ledger: &mut Ledger| {
            if ledger.state().plan() != Some(plan.digest()) {
                // Nothing was under way: there is nothing that other files could contradict.
                ledger.append(Event::PlanReplaced {
                    plan: plan.digest().clone(),
                    by: super::session::operator(),
                    reason: "nothing was under way".to_owned(),
                })?;
            }
            Ok(())
        };
        let work = async |engine: &mut Engine| match self.once {
            true => engine.phase_once(self.phase).await,
            false => engine.phase(self.phase).await,
        };
        let Walked { state, ended } = walk(session, &reason, inputs, prepare, work).await?;
        if let Err(stop @ Stop::Waiting { .. }) = &ended {
            return Ok(waiting(stop));
        }
        ended?;
        let next = super::status::next_command(&state, Some(&plan));
        let text = format!("{} passed.\nnext: {next}", self.phase);
        Ok(Answer::pass(text, json!({ "phase": self.phase, "passed": true, "facts": state.facts(), "next": next })))
    }
}

/// A soak that goes on: nothing is wrong, and there is something to say.
fn waiting(stop: &Stop) -> Answer {
    let next = stop.hint().unwrap_or_default();
    let mut result = json!({ "passed": false, "next": next });
    if let Stop::Waiting { step, phase, left, missing } = stop {
        result = json!({
            "phase": phase, "passed": false, "step": step, "left_seconds": left.as_secs(), "missing": missing, "next": next,
        });
    }
    Answer::pass(format!("{stop}\nnext: {next}"), result).exit(Exit::Waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_soak_is_said_to_people_and_to_programs() {
        let answer = waiting(&Stop::Waiting {
            step: crate::core::StepId::new("4.one.soak"),
            phase: Phase::Production,
            left: std::time::Duration::from_secs(86_340),
            missing: vec!["1 min of 24 h observed".to_owned()],
        });
        assert_eq!(answer.exit.code(), 6);
        let said = "4.one.soak: at least 23 h 59 min to go: 1 min of 24 h observed\nnext: migrate phase 4 --once";
        assert_eq!(answer.text, said);
        assert_eq!(answer.result["left_seconds"], 86_340);
        assert_eq!(answer.result["next"], "migrate phase 4 --once");
    }
}
