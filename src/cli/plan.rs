//! `migrate plan`: what would be created, changed and not touched. Reads only.

use std::fmt::Write;

use serde_json::{Value, json};

use super::answer::{Answer, Trouble};
use super::session::{Session, judged_at};
use super::wiring;
use crate::core::{Availability, Phase, Plan, PlannedStep, StepStatus, approval_ends_early};
use crate::ports::Silent;
use crate::steps::{self, Diff, DiffAction, ReadContext, Step};

/// Options of `migrate plan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  migrate plan              every phase
  migrate plan 1            phase 1 only
  migrate plan 1 --offline  without asking AWS what is there already")]
pub struct PlanArgs {
    /// Only this phase.
    #[arg(value_parser = super::options::phase_number, value_name = "PHASE")]
    phase: Option<Phase>,
    /// Contact neither AWS nor any host: assume that nothing exists yet.
    #[arg(long)]
    offline: bool,
}

/// One step, as the plan shows it.
struct Row<'a> {
    step: &'a PlannedStep,
    state: &'static str,
    diff: Option<Diff>,
    problem: Option<String>,
}

impl PlanArgs {
    pub(super) async fn run(self, session: &Session) -> Result<Answer, Trouble> {
        let loaded = session.load()?;
        let plan = &loaded.plan;
        let state = session.replay()?.state;
        let now = judged_at()?;
        let world = if self.offline {
            None
        } else {
            Some(wiring::world(plan, &loaded.base_directory, &loaded.installed).await)
        };
        let mut rows = Vec::new();
        for step in plan.steps().iter().filter(|step| self.phase.is_none_or(|phase| step.phase == phase)) {
            let progress = match state.status(&step.id) {
                Some(StepStatus::Succeeded) => "done",
                Some(StepStatus::Stuck) => "stuck",
                Some(StepStatus::Started | StepStatus::Failed(_) | StepStatus::Undoing) => "under way",
                None | Some(StepStatus::Undone) => "to do",
            };
            let (diff, problem) = match &world {
                _ if step.availability == Availability::NotBuiltYet => (None, None),
                None => offline_diff(step, plan),
                Some(world) => {
                    let facts = state.facts_for(plan, step);
                    let context = ReadContext {
                        plan,
                        facts: &facts,
                        base_directory: &loaded.base_directory,
                        ports: &world.read,
                        progress: &Silent,
                    };
                    live_diff(step, &context).await
                }
            };
            rows.push(Row { step, state: progress, diff, problem });
        }
        let early = rows
            .iter()
            .any(|row| row.step.phase == Phase::Production)
            .then(|| approval_ends_early(&state, plan, now))
            .flatten();
        let note = early.map(|early| early.to_string());
        let mut text = render(plan, &rows);
        if let Some(note) = &note {
            let _ = writeln!(text, "\nNote: {note}");
        }
        let mut result = to_json(plan, &rows);
        result["note"] = json!(note);
        Ok(Answer::pass(text, result))
    }
}

async fn live_diff(planned: &PlannedStep, context: &ReadContext<'_>) -> (Option<Diff>, Option<String>) {
    let diff = match steps::build(planned) {
        Err(failure) => Err(failure),
        Ok(Step::Observe(step)) => Ok(step.plan(context.rollout())),
        Ok(Step::Change(step)) => step.plan(context).await,
        Ok(Step::Exercise(step)) => step.plan(context).await,
        Ok(Step::Watch(step)) => Ok(step.plan(context.rollout())),
    };
    match diff {
        Ok(diff) => (Some(diff), None),
        Err(failure) => (None, Some(failure.message)),
    }
}

fn offline_diff(planned: &PlannedStep, plan: &Plan) -> (Option<Diff>, Option<String>) {
    match steps::build(planned) {
        Err(failure) => (None, Some(failure.message)),
        Ok(Step::Observe(step)) => (Some(step.plan(plan.rollout())), None),
        Ok(Step::Watch(step)) => (Some(step.plan(plan.rollout())), None),
        Ok(Step::Change(_) | Step::Exercise(_)) => {
            (Some(Diff::one(DiffAction::Create, format!("{} (not looked up)", planned.kind))), None)
        }
    }
}

fn sign(action: DiffAction) -> &'static str {
    match action {
        DiffAction::Create => "+ create",
        DiffAction::Adopt => "= adopt ",
        DiffAction::Change => "~ change",
        DiffAction::Read => "  read  ",
        DiffAction::Refuse => "! refuse",
        DiffAction::Keep => "  keep  ",
    }
}

/// What no step up to phase 3 touches, as the seed promises it.
fn untouched(plan: &Plan) -> Vec<String> {
    let rollout = plan.rollout();
    let mut lines: Vec<String> = rollout
        .production
        .targets
        .iter()
        .map(|target| format!("{} ({}): not touched before phase 4, by type", target.name, target.host))
        .collect();
    lines.push(format!(
        "{} on staging: directory, unit {}, process and sessions are compared before and after",
        rollout.application.directory, rollout.application.unit
    ));
    lines
}

fn monthly(rows: &[Row<'_>]) -> Option<u32> {
    let costs: Vec<u32> = rows.iter().filter_map(|row| row.diff.as_ref().and_then(|diff| diff.monthly_usd)).collect();
    costs.into_iter().max()
}

fn render(plan: &Plan, rows: &[Row<'_>]) -> String {
    let mut text = format!("Plan {} of {} in {}\n", plan.digest(), plan.rollout().name, plan.rollout().region);
    let mut shown = None;
    // Writing to a String cannot fail.
    for row in rows {
        if shown != Some(row.step.phase) {
            shown = Some(row.step.phase);
            let _ = writeln!(text, "\n{}: {}", row.step.phase, plan.title(row.step.phase));
        }
        let guards = row.step.guards.as_ref().map(|guarded| format!(" (Abort undoes {guarded})")).unwrap_or_default();
        match (&row.diff, &row.problem) {
            (Some(diff), _) => {
                for line in &diff.lines {
                    let _ = writeln!(
                        text,
                        "  {}  {:<28} {}{guards} [{}]",
                        sign(line.action),
                        row.step.id,
                        line.what,
                        row.state
                    );
                }
            }
            (None, Some(problem)) => {
                let _ = writeln!(text, "  ? unknown {:<28} {problem}{guards}", row.step.id);
            }
            (None, None) => {
                let _ = writeln!(text, "  - not built yet  {}{guards}", row.step.id);
            }
        }
    }
    text.push_str("\nNot touched\n");
    for line in untouched(plan) {
        let _ = writeln!(text, "  {line}");
    }
    match monthly(rows) {
        Some(usd) => {
            let budget = plan.rollout().budget.as_ref();
            let budget = budget.map(|budget| format!(" (budget {} USD)", budget.monthly_usd)).unwrap_or_default();
            let _ = writeln!(text, "\nCost: about {usd} USD a month{budget}, until `migrate rollback --to 0`");
        }
        None => text.push_str("\nCost: nothing, or not known\n"),
    }
    text
}

fn to_json(plan: &Plan, rows: &[Row<'_>]) -> Value {
    let steps: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "step": row.step.id,
                "phase": row.step.phase,
                "kind": row.step.kind,
                "target": row.step.target,
                "guards": row.step.guards,
                "built": row.step.availability == Availability::Built,
                "state": row.state,
                "diff": row.diff,
                "problem": row.problem,
            })
        })
        .collect();
    json!({ "plan": plan.digest(), "steps": steps, "not_touched": untouched(plan), "monthly_usd": monthly(rows) })
}
