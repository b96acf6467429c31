//! A time limit for one request after the other, without a timer for each: setting and taking back a timer per request
//! would cost more than the rest of the bookkeeping.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// One timer, set again only when it goes off: it may go off early, never late.
pub(super) struct Watchdog {
    sleep: Pin<Box<Sleep>>,
    limit: Duration,
}

impl Watchdog {
    /// The same limit for all that follows.
    pub fn new(limit: Duration) -> Self {
        Self { sleep: Box::pin(sleep(limit)), limit }
    }

    /// Does something within the limit from now on. `None` when it takes longer; it is dropped then.
    pub async fn within<F: Future>(&mut self, work: F) -> Option<F::Output> {
        let deadline = Instant::now() + self.limit;
        let mut work = pin!(work);
        poll_fn(|context| {
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(Some(done));
            }
            while self.sleep.as_mut().poll(context).is_ready() {
                if Instant::now() >= deadline {
                    return Poll::Ready(None);
                }
                self.sleep.as_mut().reset(deadline);
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_has_the_whole_limit() {
        let mut watchdog = Watchdog::new(Duration::from_millis(60));
        for _ in 0..4 {
            assert_eq!(watchdog.within(sleep(Duration::from_millis(30))).await, Some(()));
        }
        let began = Instant::now();
        assert_eq!(watchdog.within(std::future::pending::<()>()).await, None);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(59) && took < Duration::from_secs(5), "{took:?}");
        assert_eq!(watchdog.within(async { 7 }).await, Some(7));
    }
}
