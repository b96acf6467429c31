//! Trees and directories on a host: what they hold, and how they are copied, filled and removed.

use std::collections::BTreeMap;

use super::directories::{SimulatedDirectory, SimulatedFile};
use super::state::Host;
use crate::core::rollout::{AbsolutePath, VolatilePattern};
use crate::core::{Digest, Failure, FailureClass, Secret};
use crate::ports::{
    DirectoryState, FileContent, FileFacts, Installation, ModuleFacts, OwnedDirectory, SmokeImport, TreeCopy, TreeFacts,
};

impl Host {
    /// What stands where an owned directory should be.
    pub(in crate::sim) fn state_of(&self, place: &OwnedDirectory) -> DirectoryState {
        let path = place.directory.as_str();
        match self.directories.get(path) {
            Some(found) if found.owner != place.rollout.as_str() => {
                DirectoryState::Foreign(format!("{path} exists and belongs to the rollout `{}`", found.owner))
            }
            Some(found) if found.complete => DirectoryState::Complete,
            Some(_) => DirectoryState::Unfinished,
            None if self.trees.contains_key(path) => {
                DirectoryState::Foreign(format!("{path} exists without our mark; it does not belong to this rollout"))
            }
            None => DirectoryState::Missing,
        }
    }

    /// A directory that is ours; `None` when there is none.
    pub(super) fn ours(&mut self, place: &OwnedDirectory) -> Result<Option<&mut SimulatedDirectory>, Failure> {
        match self.state_of(place) {
            DirectoryState::Foreign(why) => Err(Failure::new(FailureClass::Foreign, why)),
            _ => Ok(self.directories.get_mut(place.directory.as_str())),
        }
    }

    /// Copies a tree to a directory of the rollout's own.
    pub(in crate::sim) fn copy(&mut self, copy: &TreeCopy) -> Result<(), Failure> {
        let missing = || Failure::permanent(format!("there is no directory {}", copy.from));
        let tree = self.trees.get(copy.from.as_str()).cloned().ok_or_else(missing)?;
        if self.ours(&copy.to)?.is_some_and(|directory| directory.complete) {
            return Ok(());
        }
        if self.free_bytes < copy.needed_bytes {
            let (free, needed) = (self.free_bytes >> 20, copy.needed_bytes >> 20);
            return Err(Failure::permanent(format!("{free} MiB free, {needed} MiB needed")));
        }
        self.free_bytes = self.free_bytes.saturating_sub(tree.bytes);
        let path = copy.to.directory.to_string();
        self.trees.insert(path.clone(), tree);
        let owner = copy.to.rollout.to_string();
        self.directories.insert(path, SimulatedDirectory { owner, complete: true, files: BTreeMap::new() });
        Ok(())
    }

    /// Removes a directory of the rollout's own.
    pub(in crate::sim) fn remove(&mut self, place: &OwnedDirectory) -> Result<(), Failure> {
        self.ours(place)?;
        self.directories.remove(place.directory.as_str());
        let tree = self.trees.remove(place.directory.as_str());
        self.free_bytes += tree.map_or(0, |tree| tree.bytes);
        Ok(())
    }

    /// A package that was installed in a directory.
    fn own_module(&self, directory: &AbsolutePath, name: &str) -> Option<ModuleFacts> {
        let package = format!("{name}/__init__.py");
        let found = self.directories.get(&self.releases.leads_to(directory.as_str()))?.files.contains_key(&package);
        found.then(|| ModuleFacts { name: name.to_owned(), version: None, problem: None })
    }

    /// A tree, without what is left out.
    pub(in crate::sim) fn tree(
        &self,
        directory: &AbsolutePath,
        left_out: &[VolatilePattern],
    ) -> Result<TreeFacts, Failure> {
        // Without what we add, a release is what it was made from.
        let as_made = left_out.iter().any(|pattern| pattern.covers(".migrate"));
        let place = self.releases.leads_to(directory.as_str());
        let base = self.releases.bases.get(&place).filter(|_| as_made);
        base.or_else(|| self.trees.get(&place)).cloned().ok_or_else(|| missing(directory))
    }

    /// The manifest of a tree. Trees that differ do so in one file.
    pub(in crate::sim) fn manifest(&self, directory: &AbsolutePath) -> Result<BTreeMap<String, Digest>, Failure> {
        let tree = self.trees.get(&self.releases.leads_to(directory.as_str())).ok_or_else(|| missing(directory))?;
        Ok(BTreeMap::from([("app.py".to_owned(), tree.digest.clone())]))
    }

    /// The Python modules of these names, as a process in this directory imports them.
    pub(in crate::sim) fn modules_in(&self, directory: &AbsolutePath, names: &[String]) -> Vec<ModuleFacts> {
        let missing = |name: &String| ModuleFacts {
            name: name.clone(),
            version: None,
            problem: Some(format!("ModuleNotFoundError: No module named '{name}'")),
        };
        let found = |name: &String| self.modules.get(name).cloned().or_else(|| self.own_module(directory, name));
        names.iter().map(|name| found(name).unwrap_or_else(|| missing(name))).collect()
    }

    /// The files at these paths below a directory.
    pub(in crate::sim) fn files_in(&self, directory: &AbsolutePath, paths: &[String]) -> Vec<Option<FileFacts>> {
        let installed = self.directories.get(&self.releases.leads_to(directory.as_str()));
        let directory = self.releases.made_from(directory.as_str());
        let made = |path: &String| {
            let whole = format!("{directory}/{path}");
            let facts = || FileFacts { digest: Digest::of(whole.as_bytes()), mode: 0o644 };
            self.files.contains(&whole).then(facts)
        };
        let found = |path: &String| installed.and_then(|directory| Some(directory.files.get(path)?.facts()));
        paths.iter().map(|path| found(path).or_else(|| made(path))).collect()
    }

    /// The content of an installed file.
    pub(in crate::sim) fn private_file(&self, directory: &AbsolutePath, path: &str) -> Result<Secret, Failure> {
        let place = self.releases.leads_to(directory.as_str());
        let found = self.directories.get(&place).and_then(|directory| directory.files.get(path));
        let missing = || Failure::permanent(format!("there is no file {directory}/{path}"));
        found.map(|file| file.content.clone()).ok_or_else(missing)
    }

    /// How two trees differ.
    pub(in crate::sim) fn differences(&self, one: &AbsolutePath, other: &AbsolutePath) -> Vec<String> {
        let tree = |path: &AbsolutePath| {
            let place = self.releases.leads_to(path.as_str());
            self.releases.bases.get(&place).or_else(|| self.trees.get(&place)).cloned()
        };
        if tree(one) == tree(other) { Vec::new() } else { vec!["app.py: its content".to_owned()] }
    }

    /// What goes wrong when the application is imported.
    pub(in crate::sim) fn smoke_import(&self, import: &SmokeImport) -> Result<Option<String>, Failure> {
        let exists = self.trees.contains_key(&self.releases.leads_to(import.directory.as_str()));
        exists.then(|| self.import_problem.clone()).ok_or_else(|| missing(&import.directory))
    }

    /// Installs files in a directory of the rollout's own. A random token that exists is kept.
    pub(in crate::sim) fn install(&mut self, installation: &Installation) -> Result<(), Failure> {
        let Installation { place, files } = installation;
        let missing = || Failure::permanent(format!("there is no copy in {}", place.directory));
        let directory = self.ours(place)?.filter(|directory| directory.complete).ok_or_else(missing)?;
        for file in files {
            let kept = matches!(file.content, FileContent::RandomToken { .. });
            if !(kept && directory.files.contains_key(&file.path)) {
                directory.files.insert(file.path.clone(), SimulatedFile::of(&file.content));
            }
        }
        Ok(())
    }

    /// Removes installed files.
    pub(in crate::sim) fn uninstall(&mut self, place: &OwnedDirectory, paths: &[String]) -> Result<(), Failure> {
        if let Some(directory) = self.ours(place)? {
            directory.files.retain(|path, _| !paths.contains(path));
        }
        Ok(())
    }
}

fn missing(directory: &AbsolutePath) -> Failure {
    Failure::permanent(format!("there is no directory {directory}"))
}
