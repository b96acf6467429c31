//! Waiting for what takes an unknown time.

use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const WAIT_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks until it holds. `what` is said when it never does.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    until_within(WAIT_TIMEOUT, what, holds).await;
}

/// The same with a limit of its own.
pub async fn until_within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in {limit:?}: {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
