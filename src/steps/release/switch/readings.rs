//! What a switched service says about itself, compared with what it was to be. What the live path names proves nothing:
//! only what is read back from the processes does. Pure.

use serde_json::json;

use crate::core::{Measurement, Verdict};
use crate::ports::{LiveTree, ReleaseFacts, ReleaseName, RunningTree, TreeFacts};
use crate::steps::measure::measurement;
use crate::steps::targets::protected::facts::Protected;

/// What the service was to be.
pub struct Switched {
    /// The target, for words.
    pub target: String,
    /// The unit, for words.
    pub unit: String,
    /// The release it was switched to.
    pub release: ReleaseName,
    /// How many workers it is to have.
    pub workers: u32,
    /// How everything was before anything was done.
    pub before: Protected,
}

impl Switched {
    /// That the live path is the release, and that there is a way back: `original` is the tree that waits, if it is there.
    pub fn places(&self, found: &ReleaseFacts, original: Option<&TreeFacts>) -> Vec<Measurement> {
        vec![self.live(found), self.original(found, original)]
    }

    /// What the processes say, as one measurement each.
    pub fn processes(&self, found: &ReleaseFacts) -> Vec<Measurement> {
        match &found.running {
            Some(running) => {
                vec![self.tree(running), self.started_later(running), self.count(running), self.alone(running)]
            }
            None => vec![self.judged(false, String::new(), format!("{} does not run", self.unit), json!(null))],
        }
    }

    fn judged(&self, holds: bool, good: String, bad: String, data: serde_json::Value) -> Measurement {
        let (verdict, summary) = if holds { (Verdict::Pass, good) } else { (Verdict::Abort, bad) };
        measurement(verdict, self.target.as_str(), summary, data)
    }

    /// That there is a way back.
    fn original(&self, found: &ReleaseFacts, original: Option<&TreeFacts>) -> Measurement {
        let holds = found.has_original && original.is_some_and(|tree| tree.digest == self.before.tree);
        let seen = match original {
            Some(tree) => tree.digest.short(),
            None => "nothing",
        };
        self.judged(
            holds,
            format!("the original waits to be gone back to ({}, as it was)", self.before.tree.short()),
            format!("the original that waits to be gone back to is {seen}, not {}", self.before.tree.short()),
            json!({ "original": original.map(|tree| &tree.digest), "before": self.before.tree }),
        )
    }

    fn live(&self, found: &ReleaseFacts) -> Measurement {
        self.judged(
            found.live == LiveTree::Release(self.release.clone()),
            format!("the live path is the release {}", self.release),
            format!("the live path is {}, not the release {}", named(&found.live), self.release),
            json!({ "live": found.live }),
        )
    }

    fn tree(&self, running: &RunningTree) -> Measurement {
        let pid = running.master.pid;
        self.judged(
            running.tree == LiveTree::Release(self.release.clone()),
            format!("process {pid} of {} runs in the release {}", self.unit, self.release),
            format!(
                "process {pid} of {} runs in {}, not in the release {}",
                self.unit,
                named(&running.tree),
                self.release
            ),
            json!({ "runs": running.tree, "master": running.master }),
        )
    }

    /// That nobody serves who was there before: worker start times, later than the switch.
    fn started_later(&self, running: &RunningTree) -> Measurement {
        let began = running.master.started_ticks;
        let stale: Vec<u32> =
            running.workers.iter().filter(|worker| worker.started_ticks < began).map(|worker| worker.pid).collect();
        let is_new = self.before.started_ticks.is_none_or(|before| began > before);
        let who = match (is_new, stale.as_slice()) {
            (false, _) => format!("process {} is not newer than the one before the switch", running.master.pid),
            (true, stale) => format!("workers {stale:?} started before the switch"),
        };
        self.judged(
            is_new && stale.is_empty(),
            format!(
                "process {} and its workers started with the switch ({began} ticks after boot)",
                running.master.pid
            ),
            who,
            json!({ "master": running.master, "workers": running.workers, "before": self.before.started_ticks }),
        )
    }

    fn count(&self, running: &RunningTree) -> Measurement {
        let found = running.workers.len();
        self.judged(
            u32::try_from(found).is_ok_and(|found| found == self.workers),
            format!("{} runs {found} workers (processes counted)", self.unit),
            format!("{} runs {found} workers, not {}", self.unit, self.workers),
            json!({ "workers": found, "wanted": self.workers }),
        )
    }

    fn alone(&self, running: &RunningTree) -> Measurement {
        let beside: Vec<u32> = running.beside.iter().map(|master| master.pid).collect();
        self.judged(
            beside.is_empty(),
            "no previous main process serves beside it".to_owned(),
            format!("masters {beside:?} still serve beside process {}", running.master.pid),
            json!({ "beside": running.beside }),
        )
    }
}

/// A tree, in words.
pub fn named(tree: &LiveTree) -> String {
    match tree {
        LiveTree::Original => "the original".to_owned(),
        LiveTree::Release(name) => format!("the release {name}"),
        LiveTree::Foreign(what) => format!("something else ({what})"),
    }
}
