//! What a simulated host holds of releases: what the live path names, which tree the service runs in, and what goes
//! wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::core::Digest;
use crate::core::rollout::{Application, VolatilePattern};
use crate::ports::{LiveTree, ProcessFacts, ReleaseFacts, RunningTree, TreeFacts};

/// What a volatile name is that is no directory to share: byte code belongs to its own tree.
const BYTE_CODE: &str = "__pycache__";

/// A host's releases. What a real host keeps as links and processes is kept here as words, so a test may set any of them
/// as a crash would have left it.
#[derive(Debug, Clone)]
pub struct SimulatedReleases {
    /// The live path.
    pub live_path: String,
    /// What it names.
    pub live: LiveTree,
    /// The tree the service's main process runs in.
    pub runs: LiveTree,
    /// Masters beside the main process.
    pub beside: Vec<ProcessFacts>,
    /// Volatile directories at their own place.
    pub in_place: BTreeSet<String>,
    /// Volatile directories in `shared`.
    pub shared: BTreeSet<String>,
    /// Whether the drop-in is there.
    pub may_hand_over: bool,
    /// Why the drop-in cannot be written, when it cannot.
    pub no_sudo: Option<String>,
    /// Why no release comes up, when none does: what its master logs.
    pub does_not_come_up: Option<String>,
    /// What is different about the service's processes when they are looked at.
    pub habit: Option<fn(&mut RunningTree)>,
    /// How long a new master takes until its workers serve.
    pub start_takes: Duration,
    /// Since when the tree that runs has served.
    pub serving_since: Duration,
    /// What is to be seen, in place of what follows from the rest.
    pub told: Option<ReleaseFacts>,
    /// The trees that releases were made from, by the release's path.
    pub bases: BTreeMap<String, TreeFacts>,
    /// The unit without the drop-in.
    pub(super) plain_unit: Option<Digest>,
    /// How many workers the original has.
    pub(super) workers_before: Option<u32>,
}

impl SimulatedReleases {
    /// None, and an application that runs in its plain directory.
    pub(super) fn none(application: &Application) -> Self {
        let names = application.volatile.iter().map(VolatilePattern::as_str);
        let directories = names.filter(|name| !name.contains('*') && *name != BYTE_CODE);
        Self {
            live_path: application.directory.to_string(),
            live: LiveTree::Original,
            runs: LiveTree::Original,
            beside: Vec::new(),
            in_place: directories.map(str::to_owned).collect(),
            shared: BTreeSet::new(),
            may_hand_over: false,
            no_sudo: None,
            does_not_come_up: None,
            habit: None,
            start_takes: Duration::from_secs(4),
            serving_since: Duration::ZERO,
            told: None,
            bases: BTreeMap::new(),
            plain_unit: None,
            workers_before: None,
        }
    }

    /// The directory of releases.
    pub fn root(&self) -> String {
        format!("{}.releases", self.live_path)
    }

    /// Where a path leads: the live path to a release, and the original's place among the releases to the one place where
    /// this host keeps it.
    pub(super) fn leads_to(&self, path: &str) -> String {
        let original = format!("{}/original", self.root());
        match (&self.live, below(path, &self.live_path), below(path, &original)) {
            (LiveTree::Release(name), Some(rest), _) => format!("{}/{name}{rest}", self.root()),
            (LiveTree::Release(_), _, Some(rest)) => format!("{}{rest}", self.live_path),
            (LiveTree::Foreign(_), Some(rest), _) => format!("/somewhere/else{rest}"),
            _ => path.to_owned(),
        }
    }

    /// The application's own directory for one that was made from it: what is not ours in a release is the original's.
    pub(super) fn made_from(&self, directory: &str) -> String {
        let place = self.leads_to(directory);
        if self.bases.contains_key(&place) { self.live_path.clone() } else { place }
    }
}

/// What follows a directory in a path below it; nothing when it is the directory itself.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
