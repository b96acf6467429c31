//! Paths that are cut and heal in virtual time.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::targets::Handle;
use crate::core::rollout::Name;
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{CutState, Endpoint, PathCut, PathRead, PathWrite, WriteFailure};

/// What a look takes.
const TAKES: Duration = Duration::from_millis(15);

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
    pub(super) fn is_cut(&self, host: &str, endpoint: &Endpoint, now: Duration) -> bool {
        let effective = !self.is_bypassed && self.failure.is_none();
        effective && self.cuts.get(host).is_some_and(|cut| cut.endpoint == *endpoint && cut.covers(now))
    }

    /// The latest cut of any host: when it begins and when it ends.
    pub(super) fn latest(&self) -> Option<(Duration, Duration)> {
        let effective = !self.is_bypassed && self.failure.is_none();
        self.cuts.values().filter(|_| effective).map(|cut| (cut.begins, cut.ends)).max()
    }

    fn state(&self, host: &str, rollout: &Name, now: Duration) -> CutState {
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
}

impl SimulatedCut {
    fn covers(&self, now: Duration) -> bool {
        (self.begins..self.ends).contains(&now)
    }
}

#[async_trait]
impl PathRead for Handle {
    async fn path_cut(&self, rollout: &Name) -> Result<CutState, Failure> {
        self.on_host("target.path_cut", |_| Ok(())).await?;
        let now = self.world.time().now();
        self.world.look("target.path_cut", TAKES, |state| Ok(state.paths.state(self.host.as_str(), rollout, now))).await
    }
}

#[async_trait]
impl PathWrite for Handle {
    async fn cut_path(&self, permit: &ApplyPermit, cut: &PathCut) -> Result<(), WriteFailure> {
        let host = self.host.as_str();
        self.world
            .write("target.cut_path", host, permit.step(), |state, now| {
                let paths = &mut state.paths;
                if paths.is_denied {
                    return Err(Failure::permanent("`sudo -n ip route` is not allowed on this host (simulated)")
                        .hint("allow it, then run the phase again"));
                }
                if paths.cuts.contains_key(host) {
                    return Err(Failure::permanent("there is a mark of a cut already (simulated)"));
                }
                let begins = now + cut.begins_after;
                let (rollout, endpoint) = (cut.rollout.clone(), cut.endpoint.clone());
                paths
                    .cuts
                    .insert(host.to_owned(), SimulatedCut { rollout, endpoint, begins, ends: begins + cut.lasts });
                Ok(())
            })
            .await
    }

    async fn restore_path(&self, permit: &UndoPermit, rollout: &Name) -> Result<(), WriteFailure> {
        let host = self.host.as_str();
        self.world
            .write("target.restore_path", host, permit.step(), |state, _| {
                if state.paths.cuts.get(host).is_some_and(|cut| cut.rollout == *rollout) {
                    state.paths.cuts.remove(host);
                }
                Ok(())
            })
            .await
    }
}
