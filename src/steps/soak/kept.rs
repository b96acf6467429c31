//! What a soak knows again in the next window.
//!
//! It stands in the journal once a window, 1,440 times a day, so it is small: less than a kibibyte. Kept are blocks of
//! windows for the comparison (one ratio and four counts each: a ratio of medians is what a turn of phase 2 is, too, and
//! counts add up), a few dozen points of memory, the bridge's totals of each process (so that nothing that happens between
//! two windows, or while the target cannot be reached, is overlooked), and the store's.

use serde::{Deserialize, Serialize};

use super::comparison::Blocks;
use super::memory::MemoryPoints;
use crate::core::{Document, Facts};
use crate::ports::{BridgeTotals, ProcessFacts};
use crate::steps::facts::SOAK_KEPT;

/// The maximum number of processes whose counters are kept.
const MAX_PROCESSES: usize = 8;

/// What is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The release that was looked at.
    release: String,
    /// How many windows were looked at.
    pub windows: u64,
    /// When the first one began, in seconds since 1970.
    began: i64,
    /// The main process, as id and start.
    master: Option<(u32, u64)>,
    /// The comparison.
    pub blocks: Blocks,
    /// Memory.
    pub memory: MemoryPoints,
    /// By process: falls, damaged, unserializable, failures of the old store.
    bridge: Vec<(u32, [u64; 4])>,
    /// Requests of our own users that the bridge has not counted yet.
    pub owed: u64,
    /// The store's identity, keys it has evicted and connections it has refused.
    pub store: Option<(String, u64, u64)>,
}

impl Kept {
    /// What is known of this release; nothing, in the first window, and when another version of this program wrote it.
    pub fn of(facts: &Facts, release: &str, now: jiff::Timestamp) -> Self {
        let known =
            SOAK_KEPT.known(facts).and_then(|kept| kept.read().ok()).filter(|kept: &Self| kept.release == release);
        known.unwrap_or_else(|| Self { release: release.to_owned(), began: now.as_second(), ..Self::default() })
    }

    /// For the next window.
    pub fn into_facts(self) -> Facts {
        // Numbers and text: it can always be written.
        Document::of(&self).map_or_else(|_| Facts::new(), |kept| Facts::new().with_fact(SOAK_KEPT, kept))
    }

    /// Seconds since the first window began.
    pub fn age(&self, now: jiff::Timestamp) -> u64 {
        u64::try_from(now.as_second().saturating_sub(self.began)).unwrap_or(0)
    }

    /// Whether another main process runs than in the last window. Its memory is another one's then.
    pub fn is_new_master(&mut self, master: ProcessFacts) -> bool {
        let now = (master.pid, master.started_ticks);
        let is_new = self.master.replace(now).is_some_and(|before| before != now);
        if is_new {
            self.memory = MemoryPoints::default();
        }
        is_new
    }

    /// What was counted since the last window: falls, damaged, unserializable, failures of the old store. In the first
    /// window, since its beginning.
    pub fn counted_since(&mut self, first: &[BridgeTotals], last: &[BridgeTotals]) -> [u64; 4] {
        let known = std::mem::take(&mut self.bridge);
        let is_first = self.windows == 0;
        let mut sum = [0; 4];
        for totals in last {
            let now = judged(totals);
            let kept = known.iter().find(|(pid, _)| *pid == totals.pid).map(|(_, before)| *before);
            let seen = || first.iter().find(|one| one.pid == totals.pid).map(judged);
            // A process that was not kept for want of room, or before the first window, has a past; any other is new.
            let may_be_old = is_first || known.len() >= MAX_PROCESSES;
            let before = kept.or_else(|| may_be_old.then(seen).flatten()).unwrap_or_default();
            // The id of one that has ended may be another's now.
            let before = if now.iter().zip(before).any(|(now, before)| *now < before) { [0; 4] } else { before };
            for (sum, (now, before)) in sum.iter_mut().zip(now.into_iter().zip(before)) {
                *sum += now - before;
            }
        }
        let skipped = last.len().saturating_sub(MAX_PROCESSES);
        self.bridge = last.iter().skip(skipped).map(|totals| (totals.pid, judged(totals))).collect();
        sum
    }
}

fn judged(totals: &BridgeTotals) -> [u64; 4] {
    [totals.falls, totals.damaged, totals.unserializable, totals.old_failures]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(pid: u32, falls: u64) -> BridgeTotals {
        BridgeTotals { pid, falls, ..BridgeTotals::default() }
    }

    fn now() -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[test]
    fn what_is_counted_between_two_windows_is_not_overlooked() {
        let mut kept = Kept::of(&Facts::new(), "r", now());
        assert_eq!(kept.counted_since(&[totals(1, 5)], &[totals(1, 7)])[0], 2, "5 are older than the soak");
        kept.windows = 1;
        let mut kept = Kept::of(&kept.into_facts(), "r", now());
        let seen = [totals(1, 9), totals(2, 1)];
        assert_eq!(kept.counted_since(&seen, &seen)[0], 3, "two between the windows, and one of a new process");
        assert_eq!(kept.counted_since(&[], &[totals(1, 4)])[0], 4, "another process with the same id");
    }

    #[test]
    fn processes_that_there_is_no_room_for_do_not_count_again_and_again() {
        let many: Vec<BridgeTotals> = (0..20).map(|pid| totals(pid, 100)).collect();
        let mut kept = Kept::of(&Facts::new(), "r", now());
        for _ in 0..3 {
            assert_eq!(kept.counted_since(&many, &many)[0], 0);
            kept.windows += 1;
        }
    }

    #[test]
    fn it_is_of_one_release_and_a_new_master_begins_a_new_series() {
        let mut kept = Kept::of(&Facts::new(), "r", now());
        let master = |started_ticks: u64| ProcessFacts { pid: 7, started_ticks };
        assert!(!kept.is_new_master(master(1)), "the first one is not another");
        kept.memory.add(0, 100 << 20);
        assert!(!kept.is_new_master(master(1)));
        assert!(kept.is_new_master(master(2)));
        assert_eq!(kept.memory, MemoryPoints::default());
        kept.windows = 3;
        let facts = kept.into_facts();
        assert_eq!(Kept::of(&facts, "r", now()).windows, 3);
        assert_eq!(Kept::of(&facts, "s", now()).windows, 0);
    }

    #[test]
    fn a_whole_day_is_less_than_a_kibibyte() {
        let mut kept = Kept::of(&Facts::new(), "0123456789abcdef", now());
        kept.is_new_master(ProcessFacts { pid: 4_194_303, started_ticks: 99_999_999 });
        kept.counted_since(&[], &(0..20).map(|pid| totals(4_000_000 + pid, 0)).collect::<Vec<_>>());
        kept.store = Some(("0123456789".into(), 1, 1));
        for window in 0..1_440 {
            kept.windows += 1;
            kept.memory.add(window * 60, 1_234_567_890);
            kept.blocks.add(1_440, Some(1.01), [1, 32, 1, 32]);
            let event = serde_json::to_string(&kept.clone().into_facts()).unwrap();
            assert!(event.len() < 1_024, "{}: {event}", event.len());
        }
    }
}
