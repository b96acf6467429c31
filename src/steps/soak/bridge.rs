//! What the session bridge of the live release did in a window: users' own requests, and what went wrong with sessions.

use std::collections::BTreeSet;

use super::kept::Kept;
use crate::core::rollout::ProductionTarget;
use crate::core::{Failure, Judgement, Subject, Verdict};
use crate::ports::{BridgeLog, BridgeTotals};
use crate::steps::ReadContext;
use crate::steps::site::release_layout;

/// The maximum number of our own requests without a count in the log, in windows' worth of requests.
const MAX_PENDING_WINDOWS: u64 = 2;

/// Reads the live release's metrics file.
///
/// # Errors
/// When it cannot be read.
pub async fn look(context: &ReadContext<'_>, target: &ProductionTarget) -> Result<BridgeLog, Failure> {
    let live = &context.rollout().application.directory;
    let file = release_layout::below(live, release_layout::METRICS)?;
    context.ports.targets.reader(&target.host).bridge_log(&file).await
}

/// A window.
pub struct Window<'a> {
    /// What the file said at its beginning.
    pub first: &'a BridgeLog,
    /// And at its end.
    pub last: &'a BridgeLog,
    /// Workers that ran at its beginning.
    pub at_first: &'a BTreeSet<u32>,
    /// Requests of our own users in it.
    pub own: u64,
}

impl Window<'_> {
    /// Sessions that were asked for. A process that the file did not know at first is new, unless it ran then.
    fn reads(&self) -> u64 {
        let of = |totals: &BridgeTotals| {
            let before = self.first.processes.iter().find(|one| one.pid == totals.pid);
            match before.map(|before| before.reads) {
                Some(before) => totals.reads.checked_sub(before).unwrap_or(totals.reads),
                None if self.at_first.contains(&totals.pid) => 0,
                None => totals.reads,
            }
        };
        self.last.processes.iter().map(of).sum()
    }

    /// Users' own requests. The bridge writes down what it counts some seconds later, so requests of ours that it does not
    /// know yet are taken off those of the next window.
    pub fn users(&self, kept: &mut Kept) -> u64 {
        let reads = self.reads();
        let owed = kept.owed.saturating_add(self.own);
        // A request without a cookie, such as signing in, is none to the bridge: they are not waited for for ever.
        kept.owed = owed.saturating_sub(reads).min(self.own.saturating_mul(MAX_PENDING_WINDOWS));
        reads.saturating_sub(owed)
    }

    /// Judges what was counted since the last window.
    pub fn judge(&self, kept: &mut Kept) -> (Vec<Judgement>, serde_json::Value) {
        let [falls, damaged, unserializable, old_failures] =
            kept.counted_since(&self.first.processes, &self.last.processes);
        let mut reasons = Vec::new();
        let mut say = |subject: Subject, count: u64, verdict: Verdict, words: &str| {
            if count > 0 {
                reasons.push(Judgement::new(subject, verdict, format!("{count} {words}")));
            }
        };
        // Redis is away, and nobody notices: the bridge does what it is for. But a release without Redis proves nothing.
        say(Subject::Fallback, falls, Verdict::Hold, "times the old store alone was used, because Redis was away");
        // A value in Redis that cannot be decoded is a session that is lost there. The old store still has it, as long as
        // both are written: going back is safe, and going on makes more of them.
        say(Subject::Sessions, damaged, Verdict::Abort, "sessions in Redis cannot be decoded");
        // These sessions stay in the old store alone, and whole. On another target they would not be found, so somebody
        // has to look, but taking the release back would mend nothing.
        say(
            Subject::Sessions,
            unserializable,
            Verdict::Hold,
            "sessions were kept out of Redis, because a value would have changed its type",
        );
        // The way back leads through the old store: taking it now would lose exactly these.
        say(
            Subject::Sessions,
            old_failures,
            Verdict::Hold,
            "sessions could not be written to the old store, which the way back needs",
        );
        if !self.last.exists && kept.windows > 0 {
            let words = "the session bridge has written down nothing: does the release run with it?".to_owned();
            reasons.push(Judgement::new(Subject::Observation, Verdict::Inconclusive, words));
        }
        let data = serde_json::json!({
            "reads": self.reads(), "falls": falls, "damaged": damaged, "unserializable": unserializable,
            "old_failures": old_failures, "processes": self.last.processes,
        });
        (reasons, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Facts;

    fn log(reads: &[(u32, u64)]) -> BridgeLog {
        let totals = |(pid, reads): &(u32, u64)| BridgeTotals { pid: *pid, reads: *reads, ..BridgeTotals::default() };
        BridgeLog { exists: true, processes: reads.iter().map(totals).collect() }
    }

    fn users(kept: &mut Kept, first: &[(u32, u64)], last: &[(u32, u64)], own: u64) -> u64 {
        let (first, last) = (log(first), log(last));
        let at_first = BTreeSet::from([1, 9]);
        Window { first: &first, last: &last, at_first: &at_first, own }.users(kept)
    }

    #[test]
    fn our_own_requests_are_no_users_whenever_they_are_written_down() {
        let mut kept = Kept::of(&Facts::new(), "r", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(users(&mut kept, &[(1, 100)], &[(1, 150)], 30), 20);
        assert_eq!(users(&mut kept, &[(1, 150)], &[(1, 150)], 30), 0);
        assert_eq!(users(&mut kept, &[(1, 150)], &[(1, 210)], 30), 0, "both windows' requests, in one line");
        assert_eq!(users(&mut kept, &[(1, 210)], &[(1, 250)], 30), 10);
    }

    #[test]
    fn a_new_process_counts_from_its_beginning_and_one_that_was_silent_does_not() {
        let mut kept = Kept::of(&Facts::new(), "r", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(users(&mut kept, &[(1, 100)], &[(1, 100), (2, 7)], 0), 7);
        assert_eq!(users(&mut kept, &[(1, 100)], &[(1, 100), (9, 7_000)], 0), 0, "its earlier lines were rotated away");
        assert_eq!(users(&mut kept, &[(1, 100)], &[(1, 5)], 0), 5, "another process with the same id");
    }
}
