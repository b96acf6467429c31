//! Events in words.

use std::time::Duration;

use crate::core::{Event, Outcome, Resolution, Verdict};

/// A moment, to the second, in UTC.
pub fn utc(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A duration as a person says it: `42 s`, `7 min`, `3 h 20 min`.
pub fn human_duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..=90 => format!("{seconds} s"),
        seconds @ 91..=5_399 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// One character for a verdict.
pub fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Inconclusive => "?",
        Verdict::Hold => "!",
        Verdict::Abort => "✗",
    }
}

/// One line for an event.
pub fn describe(event: &Event) -> String {
    match event {
        Event::LeaseTaken { holder, reason } => format!("lock taken by {holder} for `{reason}`"),
        Event::LeaseReleased => "lock released".to_owned(),
        Event::RunOpened { run, rollout, plan } => format!("run {run} of {rollout} opened, plan {plan}"),
        Event::StepsPresumed { steps, reason } => {
            format!("{} steps are presumed to have run: {reason}", steps.len())
        }
        Event::PlanReplaced { plan, by, reason } => format!("plan {plan} accepted by {by}: {reason}"),
        Event::PhaseStarted { phase, steps } => format!("{phase} started, {} steps", steps.len()),
        Event::PhasePassed { phase } => format!("{phase} passed"),
        Event::StepStarted { step, .. } => format!("{step} started"),
        Event::StepSucceeded { step, facts, evidence } => {
            // What was measured is in words already; facts speak only where nothing was measured.
            let seen: Vec<String> = evidence.iter().map(|evidence| evidence.summary.clone()).collect();
            let short = facts.iter().filter(|(_, value)| value.to_string().len() <= 80);
            let known = short.map(|(name, value)| format!("{name} = {value}")).collect();
            let details = if seen.is_empty() { known } else { seen };
            if details.is_empty() {
                format!("{step} succeeded")
            } else {
                format!("{step} succeeded: {}", details.join("; "))
            }
        }
        Event::StepFailed { step, outcome, failure } => {
            let left = match outcome {
                Outcome::Clean => "",
                Outcome::Unknown => " (it may have left something behind)",
            };
            format!("{step} failed, {}{left}: {failure}", failure.class)
        }
        Event::GateJudged { step, verdict, reason, .. } => format!("{step} judged {verdict}: {reason}"),
        Event::SoakObserved { step, seconds: 0, window: Some(window) } => {
            let length = human_duration(Duration::from_secs(window.length));
            format!("{step}: {length} do not count ({}, {} requests)", window.verdict, window.requests)
        }
        Event::SoakObserved { step, seconds, .. } => {
            format!("{step} observed for {}", human_duration(Duration::from_secs(*seconds)))
        }
        Event::RehearsalBegan { step, .. } => format!("{step}: undoing what the phase has changed"),
        Event::RehearsalTurned { step, .. } => format!("{step}: everything is undone; redoing it"),
        Event::RollbackStarted { to, reason } => match reason {
            Some(reason) => format!("rollback to {to} started: {reason}"),
            None => format!("rollback to {to} started"),
        },
        Event::RollbackFinished { to } => format!("rolled back to {to}"),
        Event::UndoStarted { step } => format!("undoing {step}"),
        Event::UndoFinished { step } => format!("{step} undone"),
        Event::UndoFailed { step, failure } => format!("{step} is stuck: {failure}"),
        Event::StuckSettled { step, resolution, by, reason, .. } => {
            let how = match resolution {
                Resolution::Retried => "is to be tried again",
                Resolution::Adopted => "was adopted",
                Resolution::Forgotten => "was forgotten",
            };
            format!("{step} {how} by {by}: {reason}")
        }
        Event::Paused { cause } => format!("paused by {cause}"),
        Event::Approved { phase, by, reason, expires_at, .. } => {
            format!("{phase} approved by {by} until {}: {reason}", utc(*expires_at))
        }
    }
}
