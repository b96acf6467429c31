//! A soak, one window at a time, and what follows when a gate says Abort.

use migrate::core::{Contract, Event, Outcome, StepId, StepStatus, Verdict, tripped};

use crate::bug::Bug;
use crate::position::{At, Turn};
use crate::process::Step;
use crate::trace::Visible;

/// A window is judged, and the journal knows.
pub fn after_window(step: usize, verdict: Verdict) -> At {
    match verdict {
        Verdict::Pass => At::Watched(step, 1),
        Verdict::Inconclusive | Verdict::Hold => At::Watched(step, 0),
        Verdict::Abort => At::Failing(step, Outcome::Clean),
    }
}

impl Step<'_> {
    /// Where a soak that was begun before goes on.
    pub fn resume_watch(&mut self, step: usize) -> At {
        let attempts = self.state.journal.step(&self.id(step)).map_or(0, |record| record.attempts);
        if attempts > 1 && self.bug(Bug::GapObserved) { At::Watched(step, 1) } else { At::Watch(step) }
    }

    /// One window: a second, if it was a good one.
    pub fn watch(&mut self, step: usize, turn: Turn) -> Option<At> {
        let Turn::Shows(found) = turn else { return None };
        self.show(|_| Visible::Found(step, found));
        let place = &mut self.state.world.places[step];
        place.found = Some(found);
        place.outdated = false;
        place.watched = place.watched.saturating_add(u8::from(found.passes()));
        Some(At::Judged(step, found))
    }

    /// A window was looked at, and counts or not: is that enough?
    pub fn count(&mut self, step: usize, seconds: u64) -> Option<At> {
        let observed = Event::SoakObserved { step: self.id(step), seconds, window: None };
        self.append(observed).then(|| {
            let record = self.state.journal.step(&self.id(step));
            let observed = record.map_or(0, |record| record.observed_seconds);
            match self.contract(step) {
                _ if seconds == 0 && record.and_then(|record| record.verdict) == Some(Verdict::Hold) => At::Held(step),
                Contract::Soak { seconds: wanted } if seconds == 0 || observed < wanted => At::Watch(step),
                _ => At::Made(step),
            }
        })
    }

    /// The journal knows of a verdict: from now on what its gate guards has to go.
    pub fn condemn(&mut self, gate: usize, verdict: Verdict) {
        if verdict != Verdict::Abort {
            return;
        }
        let plan = &self.rig.scenario.plan;
        let guarded: Vec<StepId> = plan.guarded(&plan.steps()[gate]).iter().map(|step| step.id.clone()).collect();
        for step in guarded {
            let index = self.index(&step);
            let place = &mut self.state.world.places[index];
            place.condemned = place.live > 0;
        }
    }

    /// Where a process is after a step has failed.
    pub fn after_failure(&self) -> At {
        let goes_on = tripped(&self.state.journal, &self.rig.scenario.plan).is_some();
        if goes_on && !self.bug(Bug::AbortWaits) { At::Decide } else { At::Close }
    }

    /// Whether a command for a phase finds an Abort that was not carried out: that comes first.
    pub fn finds_abort(&self) -> bool {
        tripped(&self.state.journal, &self.rig.scenario.plan).is_some() && !self.bug(Bug::AbortForgotten)
    }

    /// Something is about to be made: has every soak before it ended?
    pub fn note_overtaking(&mut self, step: usize) {
        let journal = &self.state.journal;
        let waits = |index: usize| {
            matches!(self.contract(index), Contract::Soak { .. })
                && journal.status(&self.id(index)) != Some(StepStatus::Succeeded)
        };
        self.state.world.ghosts.overtaken |= (0..step).any(waits);
    }
}
