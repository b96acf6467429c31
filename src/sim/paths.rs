//! Paths that are cut and heal in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::Failure;
use crate::core::rollout::Name;
use crate::ports::{CutState, Endpoint, PathCut};

/// The cuts there are, and how hosts take them.
#[derive(Debug, Clone, Default)]
pub struct PathCuts {
    /// Whether `sudo -n ip route` is refused.
    pub is_denied: bool,
    /// Whether the routes are there and packets find another way.
    pub is_bypassed: bool,
    /// Why the host could not cut when the time came.
    pub failure: Option<String>,
    cuts: BTreeMap<String, SimulatedCut>,
}

#[derive(Debug, Clone)]
struct SimulatedCut {
    rollout: Name,
    endpoint: Endpoint,
    begins: Duration,
    ends: Duration,
}

impl PathCuts {
    /// Whether packets from a host to this endpoint vanish now.
    pub(in crate::sim) fn is_cut(&self, host: &str, endpoint: &Endpoint, now: Duration) -> bool {
        let effective = !self.is_bypassed && self.failure.is_none();
        effective && self.cuts.get(host).is_some_and(|cut| cut.endpoint == *endpoint && cut.covers(now))
    }

    /// The latest cut of any host: when it begins and when it ends.
    pub(in crate::sim) fn latest(&self) -> Option<(Duration, Duration)> {
        let effective = !self.is_bypassed && self.failure.is_none();
        self.cuts.values().filter(|_| effective).map(|cut| (cut.begins, cut.ends)).max()
    }

    /// The cut of a rollout on a host.
    pub(in crate::sim) fn state(&self, host: &str, rollout: &Name, now: Duration) -> CutState {
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match self.cuts.get(host).filter(|cut| cut.rollout == *rollout) {
            None => CutState::Whole,
            Some(cut) if now < cut.begins => {
                CutState::Armed { begins_in_ms: milliseconds(cut.begins.saturating_sub(now)) }
            }
            Some(cut) => match &self.failure {
                Some(why) => CutState::Failed { why: why.clone() },
                None if cut.covers(now) => CutState::Cut { remaining_ms: milliseconds(cut.ends.saturating_sub(now)) },
                None => CutState::Healed,
            },
        }
    }

    /// Has a host cut a path, unless it has cut one already.
    pub(in crate::sim) fn cut(&mut self, host: &str, cut: &PathCut, now: Duration) -> Result<(), Failure> {
        if self.is_denied {
            return Err(Failure::permanent("`sudo -n ip route` is not allowed on this host (simulated)")
                .hint("allow it, then run the phase again"));
        }
        if self.cuts.contains_key(host) {
            return Err(Failure::permanent("there is a mark of a cut already (simulated)"));
        }
        let begins = now + cut.begins_after;
        let (rollout, endpoint) = (cut.rollout.clone(), cut.endpoint.clone());
        self.cuts.insert(host.to_owned(), SimulatedCut { rollout, endpoint, begins, ends: begins + cut.lasts });
        Ok(())
    }

    /// Has a host restore the path that a rollout cut.
    pub(in crate::sim) fn restore(&mut self, host: &str, rollout: &Name) {
        if self.cuts.get(host).is_some_and(|cut| cut.rollout == *rollout) {
            self.cuts.remove(host);
        }
    }
}

impl SimulatedCut {
    fn covers(&self, now: Duration) -> bool {
        (self.begins..self.ends).contains(&now)
    }
}
