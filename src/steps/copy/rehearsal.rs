//! `rollback_rehearsal`: the phase is undone and redone once, and that takes no longer than it may. The undoing and
//! redoing is the engine's; this step judges how long it took.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::core::{
    Contract, Facts, Failure, Measurement, TargetName, Verdict,
    rollout::{HumanDuration, Rollout},
};
use crate::steps::facts::{REHEARSAL_BEGAN, REHEARSAL_REDO_SECONDS, REHEARSAL_TURNED, REHEARSAL_UNDO_SECONDS};
use crate::steps::{Diff, DiffAction, Kind, Observation, Observe, ReadContext, Step, measure};

/// Judges the rehearsal that the engine has just walked.
pub struct RollbackRehearsal(Settings);

/// What a `rollback_rehearsal` step is told.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The longest that undoing the phase may take.
    #[serde(default = "five_minutes")]
    undo_within: HumanDuration,
    /// The longest that doing it again may take.
    #[serde(default = "ten_minutes")]
    redo_within: HumanDuration,
}

fn five_minutes() -> HumanDuration {
    Duration::from_secs(300).into()
}

fn ten_minutes() -> HumanDuration {
    Duration::from_secs(600).into()
}

impl Kind for RollbackRehearsal {
    type Settings = Settings;
    const NAME: &'static str = "rollback_rehearsal";
    const SUMMARY: &'static str = "undoes and redoes what the phase has changed so far, and times it";
    const CONTRACT: Contract = Contract::Rehearsal;
    const PROVIDES: &'static [&'static str] = &["rehearsal.redo_seconds", "rehearsal.undo_seconds"];

    fn build(settings: Settings) -> Step {
        Step::Observe(Box::new(Self(settings)))
    }
}

/// The time from one moment to another; `None` when the clock was set back in between.
fn between(from: Timestamp, to: Timestamp) -> Option<Duration> {
    Duration::try_from(to.duration_since(from)).ok()
}

/// `12.3 s`.
fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Milliseconds, for the record.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl RollbackRehearsal {
    fn judge(&self, undo: Option<Duration>, redo: Option<Duration>) -> Measurement {
        let Settings { undo_within, redo_within } = self.0;
        let parts = [("undone", undo, undo_within), ("redone", redo, redo_within)];
        let (mut verdicts, mut words) = (Vec::new(), Vec::new());
        for (what, took, within) in parts {
            let (verdict, said) = match took {
                None => (Verdict::Inconclusive, format!("{what}, duration unknown: the clock was set back")),
                Some(took) if took > within.get() => {
                    (Verdict::Abort, format!("{what} in {}, which is more than {within}", seconds(took)))
                }
                Some(took) => (Verdict::Pass, format!("{what} in {}, within {within}", seconds(took))),
            };
            verdicts.push(verdict);
            words.push(said);
        }
        let data = serde_json::json!({
            "undo_ms": undo.map(milliseconds),
            "redo_ms": redo.map(milliseconds),
            "undo_within_ms": milliseconds(undo_within.get()),
            "redo_within_ms": milliseconds(redo_within.get()),
        });
        let summary = format!("rollback rehearsed: {}", words.join("; "));
        measure::measurement(Verdict::over(verdicts), TargetName::staging().as_str(), summary, data)
    }
}

#[async_trait]
impl Observe for RollbackRehearsal {
    fn plan(&self, _: &Rollout) -> Diff {
        let Settings { undo_within, redo_within } = self.0;
        let what =
            format!("undoes and redoes what the phase has changed so far, within {undo_within} and {redo_within}");
        Diff::one(DiffAction::Change, what)
    }

    async fn observe(&self, context: &ReadContext<'_>) -> Result<Observation, Failure> {
        let began = REHEARSAL_BEGAN.required(context.facts)?;
        let turned = REHEARSAL_TURNED.required(context.facts)?;
        let (undo, redo) = (between(began, turned), between(turned, context.ports.clock.now()));
        let measurements = vec![self.judge(undo, redo)];
        let whole = |duration: Option<Duration>| duration.unwrap_or_default().as_secs();
        let facts =
            Facts::new().with_fact(REHEARSAL_UNDO_SECONDS, whole(undo)).with_fact(REHEARSAL_REDO_SECONDS, whole(redo));
        let hint = "`migrate log` shows which step took how long; the same command rehearses again, and time in which no process ran counts. Or allow more: `undo_within` and `redo_within` of this step in phases/, then `migrate replan`";
        Ok(Observation { facts, failure: measure::failure_of(&measurements, hint), measurements })
    }
}
