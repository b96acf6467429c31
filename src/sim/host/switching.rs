//! Releases on a simulated host, and what happens when its service goes from one tree to another.

use std::collections::BTreeMap;
use std::time::Duration;

use super::detached::FIRST;
use super::directories::{SimulatedDirectory, SimulatedFile};
use super::state::{Host, master_of};
use crate::core::{Digest, Failure, FailureClass, Secret};
use crate::ports::{LiveTree, ReleaseBuild, ReleaseName, ReleaseSite, TreeFacts};

/// When the host was booted before the world began, in clock ticks: whatever starts now started later than what ran.
const BOOTED_BEFORE: u64 = 1_000_000;
/// The file that says how many workers a release has.
const WORKERS: &str = ".migrate/workers";
/// Where the application's own configuration of Gunicorn is kept in a release.
const KEPT: &str = ".migrate/gunicorn.original.py";

impl Host {
    /// Makes the directory of releases, and has the service hand over to a new main process.
    pub(in crate::sim) fn make_room(&mut self, site: &ReleaseSite) -> Result<(), Failure> {
        self.ours(&site.releases)?;
        if let LiveTree::Foreign(why) = &self.releases.live {
            return Err(Failure::new(FailureClass::Foreign, why.clone()));
        }
        if let Some(why) = &self.releases.no_sudo {
            return Err(Failure::new(FailureClass::Denied, format!("the drop-in of {}: {why}", site.unit)));
        }
        let owner = site.releases.rollout.to_string();
        let root = SimulatedDirectory { owner, complete: true, files: BTreeMap::new() };
        self.directories.entry(site.releases.directory.to_string()).or_insert(root).complete = true;
        let moved = std::mem::take(&mut self.releases.in_place);
        self.releases.shared.extend(moved);
        if !std::mem::replace(&mut self.releases.may_hand_over, true)
            && let Some(service) = self.services.get_mut(&site.unit)
        {
            let plain = service.unit.clone();
            let text = format!("{} with our drop-in", plain.as_ref().map_or("", Digest::short));
            service.unit = Some(Digest::of(text.as_bytes()));
            self.releases.plain_unit = plain;
        }
        Ok(())
    }

    /// Undoes that, when there are no releases.
    pub(in crate::sim) fn clear_room(&mut self, site: &ReleaseSite) -> Result<(), Failure> {
        if self.ours(&site.releases)?.is_none() {
            return Ok(());
        }
        self.refuse_in_use(site)?;
        if let Some(path) = [true, false].into_iter().flat_map(|whole| self.release_paths(whole)).next() {
            return Err(Failure::permanent(format!("{path} is still there")));
        }
        let back = std::mem::take(&mut self.releases.shared);
        self.releases.in_place.extend(back);
        if std::mem::replace(&mut self.releases.may_hand_over, false)
            && let Some(service) = self.services.get_mut(&site.unit)
        {
            service.unit = self.releases.plain_unit.take();
        }
        self.directories.remove(site.releases.directory.as_str());
        Ok(())
    }

    /// Makes a release from the original.
    pub(in crate::sim) fn build(&mut self, site: &ReleaseSite, build: &ReleaseBuild) -> Result<(), Failure> {
        if self.ours(&site.releases)?.is_none() {
            return Err(Failure::permanent(format!("there is no directory {}", site.releases.directory)));
        }
        let path = format!("{}/{}", site.releases.directory, build.name);
        let (original, missing) = (site.live.as_str(), || Failure::permanent("the original is gone"));
        let tree = self.trees.get(original).cloned().ok_or_else(missing)?;
        let before = self.directories.get(&path).map(|found| found.files.clone());
        let mut files = BTreeMap::new();
        for file in &build.files {
            let kept = matches!(file.content, crate::ports::FileContent::RandomToken { .. });
            let token = before.as_ref().and_then(|before| before.get(&file.path)).filter(|_| kept);
            files.insert(file.path.clone(), token.cloned().unwrap_or_else(|| SimulatedFile::of(&file.content)));
            let own = format!("{original}/{}", file.path);
            if self.files.contains(&own) {
                files.insert(KEPT.to_owned(), SimulatedFile { mode: 0o644, content: Secret::new(own) });
            }
        }
        if before.is_none() {
            if self.free_bytes < build.needed_bytes {
                let (free, needed) = (self.free_bytes >> 20, build.needed_bytes >> 20);
                return Err(Failure::permanent(format!("{free} MiB free, {needed} MiB needed")));
            }
            self.free_bytes = self.free_bytes.saturating_sub(tree.bytes);
        }
        let digest = Digest::of(format!("{} as {}", tree.digest.short(), build.name).as_bytes());
        let files_together = tree.files + u64::try_from(files.len()).unwrap_or(0);
        self.trees.insert(path.clone(), TreeFacts { digest, files: files_together, bytes: tree.bytes });
        self.releases.bases.insert(path.clone(), tree);
        let owner = site.releases.rollout.to_string();
        self.directories.insert(path, SimulatedDirectory { owner, complete: true, files });
        Ok(())
    }

    /// Removes every release.
    pub(in crate::sim) fn remove_releases(&mut self, site: &ReleaseSite) -> Result<(), Failure> {
        self.ours(&site.releases)?;
        self.refuse_in_use(site)?;
        for path in [true, false].into_iter().flat_map(|whole| self.release_paths(whole)).collect::<Vec<_>>() {
            self.directories.remove(&path);
            self.releases.bases.remove(&path);
            self.free_bytes += self.trees.remove(&path).map_or(0, |tree| tree.bytes);
        }
        Ok(())
    }

    /// A file of a release, as text.
    fn text_in(&self, release: &ReleaseName, file: &str) -> Option<&str> {
        let path = format!("{}/{release}", self.releases.root());
        Some(self.directories.get(&path)?.files.get(file)?.content.expose())
    }

    /// The service's main process is a new one, in this tree.
    fn run_in(&mut self, unit: &str, tree: &LiveTree, now: Duration) {
        let told = match tree {
            LiveTree::Release(name) => self.text_in(name, WORKERS).and_then(|text| text.trim().parse().ok()),
            _ => self.releases.workers_before,
        };
        let pid = self.last_process.max(FIRST) + 1;
        let Some(service) = self.services.get_mut(unit) else { return };
        let workers = told.unwrap_or(service.workers);
        self.releases.workers_before.get_or_insert(service.workers);
        // Gunicorn hands its environment to the next master, with its own number in it. What a release sets is set later,
        // and not seen from outside.
        let inherited = service.environment.as_ref().map_or("", Digest::short);
        let environment = format!("{inherited} GUNICORN_PID={}", service.main_pid.unwrap_or(1));
        service.environment = Some(Digest::of(environment.as_bytes()));
        (service.active, service.main_pid, service.workers) = (true, Some(pid), workers);
        service.started_ticks = Some(BOOTED_BEFORE + u64::try_from(now.as_millis() / 10).unwrap_or(0));
        self.last_process = pid + workers;
        (self.releases.live, self.releases.runs) = (tree.clone(), tree.clone());
        self.releases.beside.clear();
        self.releases.serving_since = now;
    }

    /// Whether the service runs in this tree, which the live path names.
    fn serves(&self, unit: &str, tree: &LiveTree) -> bool {
        let runs = self.services.get(unit).is_some_and(|service| service.active && master_of(service).is_some());
        runs && (&self.releases.live, &self.releases.runs) == (tree, tree)
    }

    /// Has the service run in a release.
    pub(in crate::sim) fn switch_to_release(
        &mut self,
        site: &ReleaseSite,
        release: &ReleaseName,
        patience: Duration,
        now: Duration,
    ) -> Result<(), Failure> {
        let wanted = LiveTree::Release(release.clone());
        if self.serves(&site.unit, &wanted) {
            self.releases.beside.clear();
            return Ok(());
        }
        if let LiveTree::Foreign(why) = &self.releases.live {
            return Err(Failure::new(FailureClass::Foreign, why.clone()));
        }
        let path = format!("{}/{release}", site.releases.directory);
        if !self.directories.get(&path).is_some_and(|found| found.complete) {
            return Err(Failure::permanent(format!("there is no release {path}")));
        }
        if !self.releases.may_hand_over {
            return Err(Failure::permanent(format!("{} would not let a new main process speak for it", site.unit)));
        }
        if self.services.get(&site.unit).and_then(master_of).is_none() {
            return Err(Failure::permanent(format!("{} does not run", site.unit)));
        }
        let problem = match &self.releases.does_not_come_up {
            Some(logged) => Some(format!("no new master stayed alive\n{logged}")),
            None if self.releases.start_takes > patience => Some("the new master was not ready in time".to_owned()),
            None => None,
        };
        if let Some(problem) = problem {
            // The tree of before serves, as if nothing had been tried.
            self.releases.live = self.releases.runs.clone();
            self.releases.beside.clear();
            return Err(Failure::permanent(problem));
        }
        self.run_in(&site.unit, &wanted, now);
        Ok(())
    }

    /// Has the service run in the original.
    pub(in crate::sim) fn switch_to_original(
        &mut self,
        site: &ReleaseSite,
        patience: Duration,
        now: Duration,
    ) -> Result<(), Failure> {
        if self.serves(&site.unit, &LiveTree::Original) {
            self.releases.beside.clear();
            return Ok(());
        }
        if let LiveTree::Foreign(why) = &self.releases.live {
            return Err(Failure::new(FailureClass::Foreign, why.clone()));
        }
        if !self.has_original() {
            return Err(Failure::permanent(format!("{}/original is not there", site.releases.directory)));
        }
        if self.releases.start_takes > patience {
            return Err(Failure::permanent("the new master was not ready in time"));
        }
        self.run_in(&site.unit, &LiveTree::Original, now);
        Ok(())
    }

    /// How long a switch to a tree takes.
    pub(in crate::sim) fn switch_takes(&self, unit: &str, tree: &LiveTree, patience: Duration) -> Duration {
        if self.unreachable.is_some() || self.serves(unit, tree) {
            return Duration::ZERO;
        }
        self.releases.start_takes.min(patience)
    }
}
