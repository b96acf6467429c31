//! `migrate status`: where the run stands and what to type next. Reads the journal only.

use std::fmt::Write;

use serde_json::{Value, json};

use super::answer::{Answer, Trouble};
use super::session::Session;
use crate::core::{
    Contract, Direction, Exit, Phase, Plan, Rehearsal, RunState, StepRecord, StepStatus, Verdict, tripped,
    undone_by_abort,
};
use crate::evidence::hours;
use crate::journal::{LockState, inspect_lock};
use crate::report::utc;

pub(super) fn run(session: &Session) -> Result<Answer, Trouble> {
    let replayed = session.replay()?;
    let state = &replayed.state;
    let plan = session.pinned_plan(state);
    let lock = inspect_lock(&session.directory().lock_path())?;
    let next = next_command(state, plan.as_ref());
    let exit = if state.stuck().is_some() { Exit::Stuck } else { Exit::Pass };
    let mut text = String::new();
    // Writing to a String cannot fail.
    match state.run() {
        None => text.push_str("no run yet\n"),
        Some(run) => {
            let _ = writeln!(text, "run    {run}");
        }
    }
    if let Some(digest) = state.plan() {
        let _ = writeln!(text, "plan   {digest}");
    }
    if let Some(at) = replayed.last_at {
        let _ = writeln!(text, "last   {} ({} events)", utc(at), replayed.lines);
    }
    let _ = writeln!(text, "now    {}", doing(state));
    if let LockState::Held(info) = &lock {
        let who = info.as_ref().map_or_else(
            || "an unknown process".to_owned(),
            |info| format!("{} for `{}`, alive at {}", info.holder, info.reason, utc(info.heartbeat_at)),
        );
        let _ = writeln!(text, "lock   {who}");
    }
    for warning in &replayed.warnings {
        let _ = writeln!(text, "note   {warning}");
    }
    for phase in Phase::ALL {
        phase_lines(&mut text, phase, state, plan.as_ref());
    }
    let _ = write!(text, "\nnext: {next}");
    let holder = match &lock {
        LockState::Free => Value::Null,
        LockState::Held(info) => json!(info),
    };
    let steps: Vec<Value> = state
        .started()
        .map(|(id, record)| {
            json!({
                "step": id,
                "phase": record.phase,
                "status": record.status.to_string(),
                "attempts": record.attempts,
                "verdict": record.verdict,
                "observed_seconds": record.observed_seconds,
                "failure": record.failure,
            })
        })
        .collect();
    let passed: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| state.has_passed(*phase)).collect();
    let result = json!({
        "run": state.run(),
        "plan": state.plan(),
        "events": replayed.lines,
        "last_event_at": replayed.last_at,
        "doing": doing(state),
        "lock": holder,
        "phases_passed": passed,
        "steps": steps,
        "facts": state.facts(),
        "warnings": replayed.warnings,
        "next": next,
    });
    Ok(Answer::pass(text, result).exit(exit))
}

fn doing(state: &RunState) -> String {
    match (state.direction(), state.paused()) {
        (Direction::Forward(phase), Some(cause)) => format!("{phase}, paused by {cause}"),
        (Direction::Back(to), Some(cause)) => format!("rolling back to {to}, paused by {cause}"),
        (Direction::Forward(phase), None) => format!("in {phase}"),
        (Direction::Back(to), None) => format!("rolling back to {to}"),
        (Direction::Idle, _) => "nothing is under way".to_owned(),
    }
}

/// How far a step is that takes long.
fn under_way(record: &StepRecord) -> String {
    match (record.contract, record.rehearsing()) {
        (_, Some(far)) => rehearsal(far).to_owned(),
        (Contract::Soak { seconds }, _) if record.status == StepStatus::Started => {
            let said = record.verdict.map(|verdict| format!(", {verdict}")).unwrap_or_default();
            format!(": {} of {} observed{said}", hours(record.observed_seconds), hours(seconds))
        }
        _ => String::new(),
    }
}

fn rehearsal(far: Rehearsal) -> &'static str {
    match far {
        Rehearsal::Back => ": undoing the phase",
        Rehearsal::Forth => ": redoing the phase",
    }
}

fn sign(status: Option<StepStatus>) -> &'static str {
    match status {
        None | Some(StepStatus::Undone) => "·",
        Some(StepStatus::Started | StepStatus::Undoing) => "…",
        Some(StepStatus::Succeeded) => "✓",
        Some(StepStatus::Failed(_) | StepStatus::Stuck) => "✗",
    }
}

fn phase_lines(text: &mut String, phase: Phase, state: &RunState, plan: Option<&Plan>) {
    let title = plan.map(|plan| plan.title(phase)).unwrap_or_default();
    let has_failed = |record: &StepRecord| match record.status {
        StepStatus::Failed(_) | StepStatus::Stuck => true,
        // What it guards was undone, and its own state with that.
        StepStatus::Undone => record.verdict == Some(Verdict::Abort),
        _ => false,
    };
    let has_failed = state.started().any(|(_, record)| record.phase == phase && has_failed(record));
    let passed = match (state.has_passed(phase), has_failed) {
        (true, _) => ", passed",
        (false, true) => ", failed",
        (false, false) => "",
    };
    let _ = writeln!(text, "\n{phase}{passed}  {title}");
    let planned = plan.into_iter().flat_map(|plan| plan.steps_of(phase)).map(|step| &step.id);
    let started = state.started().filter(|(_, record)| record.phase == phase).map(|(id, _)| id);
    let mut shown = Vec::new();
    for id in planned.chain(started) {
        if shown.contains(&id) {
            continue;
        }
        shown.push(id);
        let record = state.step(id);
        let status = record.map(|record| record.status);
        let detail = match (status, record.and_then(|record| record.failure.as_ref())) {
            (Some(StepStatus::Failed(_) | StepStatus::Stuck | StepStatus::Undone), Some(failure)) => {
                format!(": {failure}")
            }
            _ => record.map(under_way).unwrap_or_default(),
        };
        let _ = writeln!(
            text,
            "  {} {id} {}{detail}",
            sign(status),
            status.map(|status| status.to_string()).unwrap_or_default()
        );
    }
}

/// The next command to type.
pub(super) fn next_command(state: &RunState, plan: Option<&Plan>) -> String {
    if let Some((step, _)) = state.stuck() {
        return format!("see what `migrate log` says of {step}, then `migrate rollback`");
    }
    if let Some(gate) = plan.and_then(|plan| tripped(state, plan)) {
        let phase = gate.phase.number();
        return format!("migrate phase {phase} (undoes what {} guards; or migrate rollback)", gate.id);
    }
    match state.direction() {
        Direction::Back(to) => return format!("migrate rollback --to {}", to.number()),
        Direction::Forward(phase) => return format!("migrate phase {} (or migrate rollback)", phase.number()),
        Direction::Idle => {}
    }
    let mut failed = state.started().filter(|(_, record)| matches!(record.status, StepStatus::Failed(_)));
    if let Some((step, record)) = failed.rfind(|(_, record)| record.failure.is_some()) {
        let hint = record.failure.as_ref().and_then(|failure| failure.hint.clone());
        let mend = hint.unwrap_or_else(|| format!("mend what {step} says"));
        return format!("{mend}\nthen: migrate phase {} (or migrate rollback)", record.phase.number());
    }
    if let Some(gate) = plan.and_then(|plan| undone_by_abort(state, plan)) {
        let (phase, gate) = (gate.phase.number(), &gate.id);
        return format!("find out why {gate} said Abort, then migrate phase {phase} (or migrate rollback)");
    }
    let next =
        Phase::ALL.into_iter().filter(|phase| *phase != Phase::Preflight).find(|phase| !state.has_passed(*phase));
    match next {
        None => "migrate check --for done".to_owned(),
        Some(phase) if plan.is_some_and(|plan| !plan.not_built(phase).is_empty()) => {
            format!("migrate check ({phase} is not built yet in this version)")
        }
        Some(phase) => format!("migrate plan {0}, then migrate phase {0}", phase.number()),
    }
}
