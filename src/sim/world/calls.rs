//! The world as one value behind one lock, and how every call goes through it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;

use super::state::{State, WriteRecord};
use crate::core::rollout::Rollout;
use crate::core::{Failure, StepId};
use crate::ports::{Clock, WriteFailure};
use crate::sim::clock::VirtualTime;
use crate::sim::faults::{Fault, Fired};

/// What an AWS call takes.
const CALL_DURATION: Duration = Duration::from_millis(40);

/// An in-memory world that implements every port but the journal's. Clones share it.
#[derive(Clone)]
pub struct World {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    time: VirtualTime,
    crash: Notify,
}

impl World {
    /// The healthy site that a rollout describes: everything as declared, and nothing created yet.
    pub fn from_rollout(rollout: &Rollout) -> Self {
        Self::new(State::from_rollout(rollout), VirtualTime::default())
    }

    fn new(state: State, time: VirtualTime) -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::new(state), time, crash: Notify::new() }) }
    }

    /// A world that is the same until now, and goes its own way from here. Whoever sleeps in this one does not in that.
    pub fn fork(&self) -> Self {
        let state = self.lock().clone();
        Self::new(state, VirtualTime::at(self.time().now()))
    }

    /// Changes the world behind everyone's back.
    pub fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        state.cloud.catch_up(self.time().now());
        change(&mut state)
    }

    /// Makes the `nth` next call of this name go wrong, counted from 1.
    pub fn fail(&self, call: &str, nth: u32, fault: Fault) {
        self.lock().faults.at_call(call, nth, fault);
    }

    /// Makes the `nth` next write go wrong, whichever it is, counted from 1.
    pub fn fail_write(&self, nth: u32, fault: Fault) {
        self.lock().faults.at_write(nth, fault);
    }

    /// Makes every call of this name go wrong.
    pub fn fail_always(&self, call: &str, fault: Fault) {
        self.lock().faults.always(call, fault);
    }

    /// Makes this share of all calls but the store's go wrong in a passing way, the same ones for the same seed.
    pub fn noise(&self, seed: u64, percent: u8) {
        self.lock().faults.noise(seed, percent);
    }

    /// Nothing goes wrong any more.
    pub fn calm(&self) {
        self.lock().faults.calm();
    }

    /// The faults that came to pass.
    pub fn fired(&self) -> Vec<Fired> {
        self.lock().faults.fired().to_vec()
    }

    /// Every write that was asked for.
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.lock().writes.clone()
    }

    /// How often a write of this name took effect.
    pub fn effects(&self, call: &str) -> usize {
        self.lock().writes.iter().filter(|write| write.call == call && write.happened).count()
    }

    /// How often a call of this name was made, whatever came of it.
    pub fn calls(&self, call: &str) -> u32 {
        self.lock().faults.count(call)
    }

    /// Waits for a crash fault. A test races it against the engine, and drops the engine when this wins.
    pub async fn crashed(&self) {
        self.shared.crash.notified().await;
    }

    pub(super) fn time(&self) -> &VirtualTime {
        &self.shared.time
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that only looks.
    pub(super) async fn look<T: Send>(
        &self,
        call: &str,
        takes: Duration,
        answer: impl FnOnce(&mut State) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.time().pass(takes);
        let fault = self.lock().faults.next(call, false);
        match fault {
            None => self.edit(answer),
            Some(fault) => {
                self.die_if_it_is_a_crash(fault).await;
                Err(fault.failure(call))
            }
        }
    }

    /// A call to AWS that only looks.
    pub(super) async fn ask<T: Send>(
        &self,
        call: &str,
        answer: impl FnOnce(&mut State) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.look(call, CALL_DURATION, answer).await
    }

    /// A call that changes something.
    pub(super) async fn write<T: Send>(
        &self,
        call: &str,
        subject: &str,
        step: &StepId,
        effect: impl FnOnce(&mut State, Duration) -> Result<T, Failure> + Send,
    ) -> Result<T, WriteFailure> {
        self.time().pass(CALL_DURATION);
        let now = self.time().now();
        let (fault, result) = {
            let mut state = self.lock();
            state.cloud.catch_up(now);
            let fault = state.faults.next(call, true);
            let result = match fault {
                Some(fault) if !fault.takes_effect() => Err(fault.failure(call)),
                _ => effect(&mut state, now),
            };
            let record = WriteRecord {
                call: call.to_owned(),
                subject: subject.to_owned(),
                step: step.clone(),
                happened: result.is_ok(),
            };
            state.writes.push(record);
            (fault, result)
        };
        let Some(fault) = fault else {
            return result.map_err(WriteFailure::clean);
        };
        self.die_if_it_is_a_crash(fault).await;
        if fault.is_lost() {
            return Err(WriteFailure::unknown(fault.failure(call)));
        }
        result.map_err(WriteFailure::clean)
    }

    async fn die_if_it_is_a_crash(&self, fault: Fault) {
        if fault.is_crash() {
            self.shared.crash.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> jiff::Timestamp {
        self.time().timestamp()
    }

    fn elapsed(&self) -> Duration {
        self.time().now()
    }

    async fn sleep(&self, duration: Duration) {
        self.time().sleep(duration).await;
    }
}
