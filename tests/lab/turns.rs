//! Who may have a lab now. Two loads at once on two processors measure each other, so tests that measure the copy take
//! turns. The one of production lasts as long as all of those, and is people and soaks more than loads: it has a lab from
//! the beginning. The rest are mostly waits, and go on beside them.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// So many labs of tests that do not measure are up at once: the machine is left to those that do.
const BESIDE: usize = 1;

static MEASURING: Mutex<()> = Mutex::new(());
static FREE: Mutex<usize> = Mutex::new(BESIDE);
static FREED: Condvar = Condvar::new();

thread_local! {
    /// Whether the test of this thread needs no place beside others.
    static MEASURES: Cell<bool> = const { Cell::new(false) };
}

/// The turn of a test that measures. To be kept until its end.
pub struct Turn(#[expect(dead_code, reason = "held")] Option<MutexGuard<'static, ()>>);

/// Waits for it.
pub fn turn_to_measure() -> Turn {
    // A test that failed while it had its turn has done no harm to the next.
    let turn = Turn(Some(MEASURING.lock().unwrap_or_else(PoisonError::into_inner)));
    MEASURES.set(true);
    turn
}

/// Production's, which it has at once. There is one test of it.
pub fn turn_of_production() -> Turn {
    MEASURES.set(true);
    Turn(None)
}

impl Drop for Turn {
    fn drop(&mut self) {
        MEASURES.set(false);
    }
}

/// The place of a lab beside the one that is measured in.
pub struct Place(());

impl Place {
    /// Waits for one, unless the test has the turn: then it needs none.
    pub fn take() -> Option<Self> {
        if MEASURES.get() {
            return None;
        }
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREED.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Some(Self(()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *FREE.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREED.notify_one();
    }
}
