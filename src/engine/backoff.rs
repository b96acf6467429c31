//! How long to wait before asking again.

use std::time::Duration;

use crate::core::FailureClass;

/// Exponential backoff with full jitter, and how often to try at all.
/// (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// The first wait's ceiling.
    pub base: Duration,
    /// No ceiling is higher.
    pub cap: Duration,
    /// Tries when AWS says we ask too often: it always passes.
    pub throttled_tries: u32,
    /// Tries when the network hiccups.
    pub transient_tries: u32,
    /// How long something may stay in use, or on its way out, before its undo has failed.
    pub release_deadline: Duration,
    /// The longest wait between two looks whether something is gone; the first ones come quicker.
    pub poll: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            throttled_tries: 10,
            transient_tries: 5,
            // Deleting a replication group takes minutes; its network interfaces hold the group some more.
            release_deadline: Duration::from_secs(45 * 60),
            poll: Duration::from_secs(5),
        }
    }
}

impl Backoff {
    /// The wait before try number `tried + 1`, or `None` when it is not worth another.
    pub fn next(&self, class: FailureClass, tried: u32) -> Option<Duration> {
        let tries = match class {
            FailureClass::Throttled => self.throttled_tries,
            FailureClass::Transient => self.transient_tries,
            _ => 0,
        };
        (tried < tries).then(|| self.ceiling(tried).mul_f64(fastrand::f64()))
    }

    /// The wait before look number `looked + 1`: most things are gone at once, the others take minutes.
    pub fn look_again(&self, looked: u32) -> Duration {
        Duration::from_millis(250).saturating_mul(1_u32.checked_shl(looked).unwrap_or(u32::MAX)).min(self.poll)
    }

    fn ceiling(&self, tried: u32) -> Duration {
        self.base.saturating_mul(1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX)).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_asked_again_and_not_for_ever() {
        let backoff = Backoff::default();
        for class in [FailureClass::Denied, FailureClass::Permanent, FailureClass::Foreign, FailureClass::Gate] {
            assert_eq!(backoff.next(class, 1), None, "{class}");
        }
        assert!(backoff.next(FailureClass::Throttled, 1).is_some());
        assert!(backoff.next(FailureClass::Transient, 4).is_some());
        assert_eq!(backoff.next(FailureClass::Transient, 5), None);
    }

    #[test]
    fn looks_come_quickly_at_first() {
        let backoff = Backoff::default();
        assert_eq!(backoff.look_again(0), Duration::from_millis(250));
        assert_eq!(backoff.look_again(2), Duration::from_secs(1));
        assert_eq!(backoff.look_again(40), backoff.poll);
    }

    #[test]
    fn waits_grow_to_the_cap() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(1), Duration::from_millis(500));
        assert_eq!(backoff.ceiling(2), Duration::from_secs(1));
        assert_eq!(backoff.ceiling(9), backoff.cap);
        assert_eq!(backoff.ceiling(100), backoff.cap);
    }
}
