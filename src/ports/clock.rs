//! Time. The simulator's is virtual, so that no test sleeps.

use std::time::Duration;

use async_trait::async_trait;

/// A wall clock, a stopwatch and a way to wait.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The wall clock, for what is written down.
    fn now(&self) -> jiff::Timestamp;

    /// Time since some fixed moment of this process; never goes back. For measuring.
    fn elapsed(&self) -> Duration;

    /// Waits. May be dropped at any moment.
    async fn sleep(&self, duration: Duration);
}
