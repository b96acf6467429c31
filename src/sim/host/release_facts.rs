//! What a look at a host shows of its releases.

use super::state::{Host, master_of};
use crate::core::Failure;
use crate::ports::{
    DirectoryState, LiveTree, ProcessFacts, ReleaseFacts, ReleaseName, ReleaseRoom, ReleaseSite, RunningTree,
};

impl Host {
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
    pub(in crate::sim) fn release_facts(&self, site: &ReleaseSite) -> ReleaseFacts {
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
