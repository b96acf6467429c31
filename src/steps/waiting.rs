//! Waiting for something to become visible or usable.

use std::time::Duration;

use crate::core::{Failure, FailureClass};
use crate::ports::Clock;

/// How long a thing that was just created may stay invisible: AWS's describe calls lag behind its create calls.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(90);
/// How long to wait between two reads.
const POLL_INTERVAL: Duration = Duration::from_secs(3);

/// Whether a failure of a read inside a longer wait is to be slept over rather than passed on.
pub fn is_passing(failure: &Failure) -> bool {
    failure.class.is_retryable()
}

/// A wait until something that was just created can be seen.
///
/// The caller looks, and hands over what it saw, again and again. A callback would read
/// better, but async closures that borrow are not `Send` yet.
pub struct UntilVisible<'a> {
    clock: &'a dyn Clock,
    what: String,
    start: Duration,
}

impl<'a> UntilVisible<'a> {
    /// Starts to wait for `what`.
    pub fn new(clock: &'a dyn Clock, what: impl Into<String>) -> Self {
        Self { clock, what: what.into(), start: clock.elapsed() }
    }

    /// What was seen, if anything was; otherwise `None`, after a pause.
    ///
    /// # Errors
    /// What looking failed with, unless the same call may work later; and `Inconclusive` when nothing has shown up for
    /// too long.
    pub async fn over<T>(&self, seen: Result<Option<T>, Failure>) -> Result<Option<T>, Failure> {
        let problem = match seen {
            Ok(Some(found)) => return Ok(Some(found)),
            // Not `Transient`: the engine would wait the whole time again, as if it were a hiccup.
            Ok(None) => Failure::new(
                FailureClass::Inconclusive,
                format!("{} is still not visible {} s after it was created", self.what, VISIBILITY_TIMEOUT.as_secs()),
            )
            .hint("run the same command again: it looks first and adopts what is there"),
            Err(failure) if is_passing(&failure) => failure,
            Err(failure) => return Err(failure),
        };
        if self.clock.elapsed().saturating_sub(self.start) >= VISIBILITY_TIMEOUT {
            return Err(problem);
        }
        self.clock.sleep(POLL_INTERVAL).await;
        Ok(None)
    }
}
