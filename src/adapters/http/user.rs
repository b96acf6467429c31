//! One simulated user.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::fault::Fault;
use super::mind::{Mind, Surroundings};
use super::recorder::Recorder;
use super::schedule::{Moments, arrival, mix};
use super::script::{CompiledRequest, Script};
use super::watchdog::Watchdog;
use super::way::Way;
use crate::ports::{ErrorKind, LoadPlan};

/// The timer ticks once a millisecond. A user who wakes up this much late was not held up by the application.
const TICK: Duration = Duration::from_millis(2);

/// People do not try to connect again at once.
const AFTER_NO_CONNECTION: Duration = Duration::from_millis(500);

/// What all users of a load share.
pub(super) struct Run {
    pub script: Script,
    pub way: Way,
    pub plan: LoadPlan,
    pub recorders: Vec<Recorder>,
    pub began: Instant,
    /// Turns, when not every user may ask at once.
    pub turns: Option<Semaphore>,
}

impl Run {
    /// Waits for the turn to ask.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.turns.as_ref()?.acquire().await.ok()
    }

    fn surroundings(&self) -> Surroundings<'_> {
        Surroundings {
            way: &self.way,
            site: &self.script.site,
            largest_body: self.plan.largest_body,
            is_everything_wanted: false,
            answered_by: self.plan.answered_by,
        }
    }
}

/// A user: number, cookies, connection.
pub(super) struct User {
    run: Arc<Run>,
    /// From 0.
    position: u32,
    choices: fastrand::Rng,
    nonces: fastrand::Rng,
    iteration: u64,
    watchdog: Watchdog,
    mind: Mind,
}

impl User {
    /// The user at a position, from 0.
    pub fn new(run: Arc<Run>, position: u32) -> Self {
        let seed = run.plan.seed;
        let number = run.plan.first_user.saturating_add(position);
        let mind = Mind::of(number);
        Self {
            position,
            choices: fastrand::Rng::with_seed(mix(seed, position, 2)),
            nonces: fastrand::Rng::with_seed(mix(seed, position, 3)),
            iteration: 0,
            watchdog: Watchdog::new(run.plan.timeout),
            mind,
            run,
        }
    }

    /// Does journeys until the time is up.
    pub async fn live(mut self) {
        let run = self.run.clone();
        let end = run.began + run.plan.duration;
        let Some(moments) = Moments::of(&run.plan, self.position) else {
            let mut due = self.wait_until(run.began + arrival(&run.plan, self.position)).await;
            while due < end {
                due = self.journey(due, end).await;
            }
            return;
        };
        for moment in moments {
            let mut due = run.began + moment;
            let now = Instant::now();
            if due > now {
                due = self.wait_until(due).await;
            } else if now > end + run.plan.timeout {
                let journey = &run.script.journeys[self.choose()];
                let number = journey.requests.first().map_or(0, |request| request.number);
                self.recorder().open().unsent(number, now - due);
                continue;
            }
            self.journey(due, end).await;
        }
    }

    fn recorder(&self) -> &Recorder {
        // One for each processor, at least one.
        &self.run.recorders[self.position as usize % self.run.recorders.len()]
    }

    /// Waits. What follows is measured from the moment it was due, unless the timer's tick alone made it late.
    async fn wait_until(&self, due: Instant) -> Instant {
        tokio::time::sleep_until(due.into()).await;
        let now = Instant::now();
        let lag = now.saturating_duration_since(due);
        self.recorder().open().lag(lag);
        if lag <= TICK { now } else { due }
    }

    /// The position of the next journey, by the weights.
    fn choose(&mut self) -> usize {
        let script = &self.run.script;
        let mut ticket = if script.journeys.len() > 1 { self.choices.u32(0..script.weight) } else { 0 };
        let mut weights = script.journeys.iter().map(|journey| journey.weight);
        let chosen = weights.position(|weight| match ticket.checked_sub(weight) {
            Some(rest) => {
                ticket = rest;
                false
            }
            None => true,
        });
        chosen.unwrap_or(0)
    }

    /// One journey, its first request due at `due`. Gives back when the next one is due.
    async fn journey(&mut self, mut due: Instant, end: Instant) -> Instant {
        let run = self.run.clone();
        self.iteration += 1;
        let journey = &run.script.journeys[self.choose()];
        self.mind.begin(self.iteration, journey.variables);
        for (position, request) in journey.requests.iter().enumerate() {
            if position > 0 && due >= end {
                // The time is up: neither complete nor failed.
                return due;
            }
            self.mind.new_nonce(&mut self.nonces);
            let turn = run.turn().await;
            if position == 0 && Instant::now() > end + run.plan.timeout {
                self.recorder().open().unsent(request.number, due.elapsed());
                return due;
            }
            let outcome = match self.watchdog.within(self.mind.perform(request, &run.surroundings())).await {
                Some(outcome) => outcome,
                None => Err(Fault::new(ErrorKind::Timeout, format!("no answer within {:?}", run.plan.timeout))),
            };
            drop(turn);
            let over = Instant::now();
            self.record(request, over - due, &outcome);
            if let Err(fault) = outcome {
                self.mind.connection.close();
                self.recorder().open().journey(false);
                let pause = if fault.kind == ErrorKind::Connect { AFTER_NO_CONNECTION } else { Duration::ZERO };
                return self.pause(over, pause.max(request.think), end).await;
            }
            due = self.pause(over, request.think, end).await;
        }
        self.recorder().open().journey(true);
        due
    }

    /// Thinks, but not beyond the end.
    async fn pause(&self, from: Instant, think: Duration, end: Instant) -> Instant {
        if think.is_zero() {
            return from;
        }
        let due = from + think;
        if due >= end { end } else { self.wait_until(due).await }
    }

    fn record(&mut self, request: &CompiledRequest, latency: Duration, outcome: &Result<u16, Fault>) {
        let connection = &mut self.mind.connection;
        let (sent, received, opened) = (connection.sent, connection.received, connection.opened);
        (connection.sent, connection.received, connection.opened) = (0, 0, 0);
        let number = self.run.plan.first_user.saturating_add(self.position);
        let mut counts = self.run.recorders[self.position as usize % self.run.recorders.len()].open();
        counts.request(request.number, latency, outcome);
        counts.sent += sent;
        counts.received += received;
        counts.connections += opened;
        self.mind.answered.into_iter().for_each(|worker| counts.answered(worker));
        if let (Some(identity), true) = (&self.mind.identity, request.extract.iter().any(|e| e.is_identity)) {
            counts.identity(number, identity);
        }
    }
}
