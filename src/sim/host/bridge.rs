//! What a session bridge on a host counts, at a rate that a test sets.

use std::time::Duration;

use crate::ports::{BridgeLog, BridgeTotals};

/// A bridge's processes and what they do a minute, all together. Rates may be changed at any time: what was counted until
/// then stays.
#[derive(Debug, Clone, Default)]
pub struct SimulatedBridge {
    /// The processes.
    pub pids: Vec<u32>,
    /// Sessions asked for.
    pub reads: u64,
    /// Falls to the old store.
    pub falls: u64,
    /// Damaged values.
    pub damaged: u64,
    /// Values that would have changed their type.
    pub unserializable: u64,
    /// Writes that the old store did not take.
    pub old_failures: u64,
    counted: [u64; 5],
    until: Duration,
}

impl SimulatedBridge {
    /// Two processes that so many users' requests a minute reach.
    pub fn with(reads: u64) -> Self {
        Self { pids: vec![5_001, 5_002], reads, ..Self::default() }
    }

    /// Counts up to now. To be called before a rate is changed.
    pub fn count(&mut self, now: Duration) {
        // Whole seconds: what is left over is counted the next time.
        let seconds = now.saturating_sub(self.until).as_secs();
        self.until += Duration::from_secs(seconds);
        let rates = [self.reads, self.falls, self.damaged, self.unserializable, self.old_failures];
        for (counted, rate) in self.counted.iter_mut().zip(rates) {
            // In sixtieths.
            *counted += rate * seconds;
        }
    }

    /// What it has counted.
    pub(in crate::sim) fn log(&self) -> BridgeLog {
        let processes = u64::try_from(self.pids.len().max(1)).unwrap_or(1);
        let of = |place: usize, counter: usize| {
            let whole = self.counted[counter] / 60;
            whole / processes + u64::from((place as u64) < whole % processes)
        };
        let totals = |(place, pid): (usize, &u32)| BridgeTotals {
            pid: *pid,
            reads: of(place, 0),
            falls: of(place, 1),
            damaged: of(place, 2),
            unserializable: of(place, 3),
            old_failures: of(place, 4),
        };
        BridgeLog { exists: true, processes: self.pids.iter().enumerate().map(totals).collect() }
    }
}
