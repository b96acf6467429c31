//! What a simulated host holds of releases: what the live path names, which tree the service runs in, and what goes
//! wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Host;
use crate::core::rollout::{Application, VolatilePattern};
use crate::core::{Digest, Failure};
use crate::ports::{
    DirectoryState, LiveTree, ProcessFacts, ReleaseFacts, ReleaseName, ReleaseRoom, ReleaseSite, RunningTree,
    ServiceFacts, TreeFacts,
};

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
}

/// What follows a directory in a path below it; nothing when it is the directory itself.
fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Host {
    /// Where a path leads: the live path to a release, and the original's place among the releases to the one place where
    /// this host keeps it.
    pub(super) fn leads_to(&self, path: &str) -> String {
        let releases = &self.releases;
        let original = format!("{}/original", releases.root());
        match (&releases.live, below(path, &releases.live_path), below(path, &original)) {
            (LiveTree::Release(name), Some(rest), _) => format!("{}/{name}{rest}", releases.root()),
            (LiveTree::Release(_), _, Some(rest)) => format!("{}{rest}", releases.live_path),
            (LiveTree::Foreign(_), Some(rest), _) => format!("/somewhere/else{rest}"),
            _ => path.to_owned(),
        }
    }

    /// The application's own directory for one that was made from it: what is not ours in a release is the original's.
    pub(super) fn made_from(&self, directory: &str) -> String {
        let place = self.leads_to(directory);
        if self.releases.bases.contains_key(&place) { self.releases.live_path.clone() } else { place }
    }

    /// Whether the original is there.
    pub(super) fn has_original(&self) -> bool {
        self.trees.contains_key(&self.releases.live_path)
    }

    fn live_tree(&self, site: &ReleaseSite) -> LiveTree {
        match (&self.releases.live, self.state_of(&site.releases)) {
            (LiveTree::Release(_), DirectoryState::Foreign(why)) => LiveTree::Foreign(why),
            (live, _) => live.clone(),
        }
    }

    /// The releases below the directory, whole or not.
    pub(super) fn release_paths(&self, whole: bool) -> Vec<String> {
        let root = format!("{}/", self.releases.root());
        let ours = self.directories.iter().filter(|(path, found)| path.starts_with(&root) && found.complete == whole);
        ours.map(|(path, _)| path.clone()).collect()
    }

    fn release_names(&self, whole: bool) -> Vec<ReleaseName> {
        let name = |path: String| path.rsplit_once('/').and_then(|(_, name)| named(name));
        self.release_paths(whole).into_iter().filter_map(name).collect()
    }

    fn running_tree(&self, unit: &str) -> Option<RunningTree> {
        let service = self.services.get(unit).filter(|service| service.active)?;
        let master = master_of(service)?;
        // Forked one after the other, a hundredth of a second apart.
        let worker = |number: u32| ProcessFacts {
            pid: master.pid + 1 + number,
            started_ticks: master.started_ticks + 1 + u64::from(number),
        };
        let mut running = RunningTree {
            workers: (0..service.workers).map(worker).collect(),
            tree: self.releases.runs.clone(),
            beside: self.releases.beside.clone(),
            master,
        };
        if let Some(habit) = self.releases.habit {
            habit(&mut running);
        }
        Some(running)
    }

    /// Everything there is to know.
    pub(super) fn release_facts(&self, site: &ReleaseSite) -> ReleaseFacts {
        ReleaseFacts {
            room: ReleaseRoom {
                directory: self.state_of(&site.releases),
                in_place: self.releases.in_place.iter().cloned().collect(),
                shared: self.releases.shared.iter().cloned().collect(),
                may_hand_over: self.releases.may_hand_over,
            },
            live: self.live_tree(site),
            has_original: self.has_original(),
            releases: self.release_names(true),
            unfinished: self.release_names(false),
            running: self.running_tree(&site.unit),
        }
    }

    /// Refuses while a release is of use to somebody.
    pub(super) fn refuse_in_use(&self, site: &ReleaseSite) -> Result<(), Failure> {
        let live = &site.live;
        match (&self.releases.live, &self.releases.runs) {
            (LiveTree::Release(name), _) => Err(Failure::permanent(format!("{live} is the release {name}"))),
            (_, LiveTree::Release(name)) => {
                Err(Failure::permanent(format!("{} runs in the release {name}", site.unit)))
            }
            _ if !self.has_original() => Err(Failure::permanent(format!("the original is not at {live}"))),
            _ => Ok(()),
        }
    }
}

/// The name of a release that is there. A name is the beginning of a digest, as long as [`Digest::short`] makes it.
fn named(name: &str) -> Option<ReleaseName> {
    ReleaseName::parse(name).ok()
}

/// A service's main process.
pub(super) fn master_of(service: &ServiceFacts) -> Option<ProcessFacts> {
    Some(ProcessFacts { pid: service.main_pid?, started_ticks: service.started_ticks? })
}
