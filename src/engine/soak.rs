//! A soak: looks again and again, until enough time was observed under gates that pass.

use std::collections::BTreeSet;
use std::time::Duration;

use super::forward::refusal;
use super::{Engine, Stop};
use crate::core::{
    Contract, Event, Failure, FailureClass, Looked, Measurement, Outcome, PlannedStep, SoakWindow, StepId, Subject,
    Verdict,
};
use crate::evidence;
use crate::ports::{Progress, Reading};
use crate::steps::{Observation, Watch, Watched};

/// After so many windows a verdict that has not changed, nor what it is held against, is journalled again, with what it was
/// judged on: once an hour, usually.
const JUDGED_AGAIN: u32 = 60;

/// One window, as it turned out.
struct Look {
    window: SoakWindow,
    counted: u64,
    measurements: Vec<Measurement>,
    failure: Option<Failure>,
    /// What is left of the window's time, when nothing was seen: nobody may spin.
    rest: Duration,
}

impl Engine {
    /// Looks until the soak is earned. A crash or a signal costs the window that was being looked at, and no other.
    pub(super) async fn soak(&mut self, planned: &PlannedStep, step: &dyn Watch) -> Result<(), Stop> {
        // Another process may have said it: what it said is not asked for again.
        let (mut unchanged, mut said) = (0, None::<Objections>);
        loop {
            self.spend_window(planned)?;
            let Look { window, counted, measurements, failure, rest } = match self.look(planned, step).await? {
                Ok(look) => look,
                Err(failure) => return self.fail(&planned.id, Outcome::Clean, failure),
            };
            let verdict = window.verdict;
            let refused = (!verdict.passes()).then(|| refusal(verdict, &measurements));
            let saying = (!verdict.passes()).then(|| objections(&measurements));
            let is_said = self.verdict(&planned.id) == Some(verdict) && (said.is_none() || said == saying);
            unchanged = if is_said { unchanged + 1 } else { JUDGED_AGAIN };
            said = saying;
            if unchanged >= JUDGED_AGAIN || verdict == Verdict::Abort {
                self.record_verdict(&planned.id, verdict, measurements)?;
                unchanged = 0;
            }
            // A pass with a failure is a failure with words of its own, as for every gate.
            if verdict == Verdict::Abort || (verdict.passes() && failure.is_some()) {
                let unsaid = || Failure::new(FailureClass::Gate, "the soak failed");
                return self.fail(&planned.id, Outcome::Clean, failure.or(refused).unwrap_or_else(unsaid));
            }
            self.parts.ledger.append(Event::SoakObserved {
                step: planned.id.clone(),
                seconds: counted,
                window: Some(window),
            })?;
            if let Some(refused) = &refused {
                self.say(format!("{}: this window does not count: {}", planned.id, refused.message));
                if let Some(failure) = self.held_too_long(&planned.id, verdict, refused) {
                    return self.fail(&planned.id, Outcome::Clean, failure);
                }
            }
            let missing = self.report_soak(planned);
            if missing.is_empty() && verdict.passes() {
                return self.end_soak(planned);
            }
            self.pause(rest).await?;
        }
    }

    /// Looks once. `Err` inside: it could not look, and will not be able to by itself.
    async fn look(&self, planned: &PlannedStep, step: &dyn Watch) -> Result<Result<Look, Failure>, Stop> {
        let rules = &self.parts.plan.rollout().soak;
        let length = rules.window_length();
        let clock = &self.parts.read.clock;
        let (began, started) = (self.parts.ledger.now(), clock.elapsed());
        let facts = self.facts_for(planned);
        let context = self.reader(&facts);
        let seen = self.guarded(step.watch(&context, length)).await?;
        let took = clock.elapsed().saturating_sub(started);
        let Watched { seconds, requests, observation } = match seen {
            Ok(watched) => watched,
            // A gap: nobody saw what happened in it, so it says nothing, good or bad.
            Err(failure) if failure.class.is_retryable() => gap(planned, &failure),
            Err(failure) => return Ok(Err(failure)),
        };
        let Observation { facts, mut measurements, failure } = observation;
        let over = |measurements: &[Measurement]| Verdict::over(measurements.iter().map(|one| one.verdict));
        if requests < u64::from(rules.requests_per_window) && over(&measurements).passes() {
            measurements.push(quiet(planned, requests, rules.requests_per_window));
        }
        let verdict = over(&measurements);
        // Nobody has seen more than there was, whatever a step says. A step that took 59.98 s has looked for a minute.
        let at_most = (took + Duration::from_millis(500)).as_secs().min(length.as_secs());
        let counted = if verdict.passes() { seconds.min(at_most) } else { 0 };
        let rest = if counted == 0 { length.saturating_sub(took) } else { Duration::ZERO };
        let whole = if counted == 0 { length.max(took).as_secs() } else { at_most.max(took.as_secs()) };
        let window = SoakWindow { began, length: whole, requests, verdict, facts };
        Ok(Ok(Look { window, counted, measurements, failure, rest }))
    }

    fn verdict(&self, id: &StepId) -> Option<Verdict> {
        self.parts.ledger.state().step(id).and_then(|record| record.verdict)
    }

    /// The failure of a soak that has been on hold for too long.
    fn held_too_long(&self, id: &StepId, verdict: Verdict, refused: &Failure) -> Option<Failure> {
        let at_most = self.parts.plan.rollout().soak.hold_at_most;
        let held = self.parts.ledger.state().step(id).map_or(0, |record| record.soak.held());
        let is_over = verdict == Verdict::Hold && Duration::from_secs(held) > at_most.get();
        let message = || {
            format!("on hold for {}, and {at_most} is the longest allowed: {}", evidence::hours(held), refused.message)
        };
        is_over.then(|| Failure::new(refused.class, message()))
    }

    /// Says how far it is. What is still missing.
    fn report_soak(&self, planned: &PlannedStep) -> Vec<evidence::Unearned> {
        let (wanted, windows) = self.soak_so_far(planned);
        let rules = &self.parts.plan.rollout().soak;
        let missing = evidence::unearned(rules, wanted, windows);
        let left = evidence::time_left(rules, wanted, windows);
        let whole = left.as_secs().saturating_add(windows.iter().map(|window| window.counted).sum());
        let done = whole.saturating_sub(left.as_secs());
        if !missing.is_empty() {
            let fraction = u32::try_from(done.saturating_mul(1_000).checked_div(whole).unwrap_or(0)).unwrap_or(0);
            let news = Progress {
                fraction: Some(f64::from(fraction) / 1_000.0),
                remaining: Some(left),
                ..Progress::message(format!("{}: observing", planned.id))
            };
            let words = missing.iter().map(|unearned| Reading::new(unearned.to_string()));
            self.parts.progress.report(news.with(words));
        }
        missing
    }

    fn soak_so_far(&self, planned: &PlannedStep) -> (u64, &[Looked]) {
        // Whatever is not a soak has nothing to wait for.
        let wanted = if let Contract::Soak { seconds } = planned.contract { seconds } else { 0 };
        let record = self.parts.ledger.state().step(&planned.id);
        (wanted, record.map_or(&[], |record| record.soak.windows()))
    }

    fn end_soak(&mut self, planned: &PlannedStep) -> Result<(), Stop> {
        let (_, windows) = self.soak_so_far(planned);
        let facts = self.parts.ledger.state().step(&planned.id).map(|record| record.facts.clone()).unwrap_or_default();
        let whole = Measurement {
            verdict: Verdict::Pass,
            summary: evidence::summary(windows),
            proves: Vec::new(),
            subjects: Vec::new(),
            resource: subject(planned),
            data: serde_json::json!({ "windows": windows.len() }),
        };
        let evidence = self.keep(&planned.id, vec![whole])?;
        self.succeed(&planned.id, facts, evidence)
    }

    /// With `--once` there is one window to look at, and then a scheduler's next turn.
    fn spend_window(&mut self, planned: &PlannedStep) -> Result<(), Stop> {
        match &mut self.windows {
            None => Ok(()),
            Some(left) if *left > 0 => {
                *left -= 1;
                Ok(())
            }
            Some(_) => {
                let (wanted, windows) = self.soak_so_far(planned);
                let rules = &self.parts.plan.rollout().soak;
                let missing = evidence::unearned(rules, wanted, windows).iter().map(ToString::to_string).collect();
                let left = evidence::time_left(rules, wanted, windows);
                Err(Stop::Waiting { step: planned.id.clone(), phase: planned.phase, left, missing })
            }
        }
    }
}

/// What keeps a window from counting: the resources and subjects of the measurements that do not pass. The measured values
/// differ in every window.
type Objections = BTreeSet<(String, Vec<Subject>)>;

fn objections(measurements: &[Measurement]) -> Objections {
    let bad = measurements.iter().filter(|measurement| !measurement.verdict.passes());
    bad.map(|measurement| (measurement.resource.clone(), measurement.subjects.clone())).collect()
}

/// What a soak looks at.
fn subject(planned: &PlannedStep) -> String {
    planned.target.as_ref().map_or_else(|| planned.id.to_string(), ToString::to_string)
}

/// A window in which too few users came to say anything.
fn quiet(planned: &PlannedStep, requests: u64, wanted: u32) -> Measurement {
    Measurement {
        verdict: Verdict::Inconclusive,
        summary: format!("quiet: {requests} requests, and a window with fewer than {wanted} says nothing"),
        proves: Vec::new(),
        subjects: vec![Subject::Traffic],
        resource: subject(planned),
        data: serde_json::json!({ "requests": requests, "requests_per_window": wanted }),
    }
}

/// A window that could not be observed.
fn gap(planned: &PlannedStep, failure: &Failure) -> Watched {
    let unseen = Measurement {
        verdict: Verdict::Inconclusive,
        summary: format!("not observed: {} ({})", failure.message, failure.class),
        proves: Vec::new(),
        subjects: vec![Subject::Observation],
        resource: subject(planned),
        data: serde_json::Value::Null,
    };
    Watched {
        seconds: 0,
        requests: 0,
        observation: Observation { measurements: vec![unseen], ..Observation::default() },
    }
}
