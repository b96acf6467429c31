//! Virtual time: it passes only when somebody sleeps or calls something, so nothing waits and every run is the same.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a sleeper lets others go first, before it assumes that whoever sleeps shorter is no longer polled.
const COURTESY: u32 = 64;

/// When the virtual world begins. Any moment would do; a fixed one keeps recorded output the same.
const BEGINNING: i64 = 1_753_790_400;

/// The virtual time, and who waits for what.
#[derive(Debug, Default)]
pub(in crate::sim) struct VirtualTime(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    sleepers: BTreeSet<(Duration, u64)>,
    next: u64,
}

impl VirtualTime {
    /// So long after the beginning; nobody sleeps.
    pub fn at(now: Duration) -> Self {
        Self(Mutex::new(Inner { now, ..Inner::default() }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time since the beginning.
    pub fn now(&self) -> Duration {
        self.lock().now
    }

    /// The time of day.
    pub fn timestamp(&self) -> jiff::Timestamp {
        let beginning = jiff::Timestamp::from_second(BEGINNING).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        beginning.checked_add(self.now()).unwrap_or(jiff::Timestamp::MAX)
    }

    /// Something took a while.
    pub fn pass(&self, duration: Duration) {
        self.lock().now += duration;
    }

    /// Waits until `duration` has passed. Whoever wakes first moves the time on, so sleepers wake in the right order.
    pub async fn sleep(&self, duration: Duration) {
        let sleeper = Sleeper::new(self, duration);
        let mut polite = 0;
        loop {
            tokio::task::yield_now().await;
            let mut inner = self.lock();
            if inner.now >= sleeper.ticket.0 {
                return;
            }
            let first = inner.sleepers.first() == Some(&sleeper.ticket);
            polite += 1;
            // A sleeper in a future that nobody polls any more must not stop the time for all others.
            if (first && polite > 2) || polite > COURTESY {
                inner.now = sleeper.ticket.0;
                return;
            }
        }
    }
}

/// A place in the queue; given up when the sleep ends or is dropped.
struct Sleeper<'a> {
    time: &'a VirtualTime,
    ticket: (Duration, u64),
}

impl<'a> Sleeper<'a> {
    fn new(time: &'a VirtualTime, duration: Duration) -> Self {
        let mut inner = time.lock();
        inner.next += 1;
        let ticket = (inner.now + duration, inner.next);
        inner.sleepers.insert(ticket);
        Self { time, ticket }
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.time.lock().sleepers.remove(&self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_order_and_nobody_waits() {
        let time = VirtualTime::default();
        let woken = Mutex::new(Vec::new());
        let nap = async |seconds: u64| {
            time.sleep(Duration::from_secs(seconds)).await;
            woken.lock().unwrap().push((seconds, time.now().as_secs()));
        };
        tokio::join!(nap(3_600), nap(5), nap(60));
        assert_eq!(*woken.lock().unwrap(), [(5, 5), (60, 60), (3_600, 3_600)]);
    }

    #[tokio::test]
    async fn a_sleeper_that_is_dropped_or_forgotten_holds_nobody_up() {
        let time = VirtualTime::default();
        let mut forgotten = Box::pin(time.sleep(Duration::from_secs(1)));
        let once = forgotten.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(once.is_pending());
        time.sleep(Duration::from_secs(10)).await;
        assert_eq!(time.now(), Duration::from_secs(10));
        drop(forgotten);
        time.sleep(Duration::from_secs(10)).await;
        assert_eq!(time.now(), Duration::from_secs(20));
    }
}
