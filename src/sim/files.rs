//! Directories that rollouts make on hosts, and the files that are installed in them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Host;
use super::targets::Handle;
use crate::core::rollout::{AbsolutePath, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, FailureClass, Secret, UndoPermit};
use crate::ports::{
    DirectoryState, FileContent, FileFacts, FilesRead, FilesWrite, Installation, ModuleFacts, OwnedDirectory,
    SmokeImport, TreeCopy, WriteFailure,
};

/// A directory with a mark. Its tree is among the host's trees.
#[derive(Debug, Clone)]
pub struct SimulatedDirectory {
    /// The rollout it belongs to.
    pub owner: String,
    /// Whether the copying came to its end.
    pub complete: bool,
    /// What was installed, by path below it.
    pub files: BTreeMap<String, SimulatedFile>,
}

/// An installed file.
#[derive(Debug, Clone)]
pub struct SimulatedFile {
    /// Its permissions.
    pub mode: u32,
    /// What it holds.
    pub content: Secret,
}

impl SimulatedFile {
    fn facts(&self) -> FileFacts {
        FileFacts { digest: Digest::of(self.content.expose().as_bytes()), mode: self.mode }
    }

    pub(super) fn of(content: &FileContent) -> Self {
        let (mode, content) = match content {
            FileContent::Public(bytes) => (0o644, Secret::new(String::from_utf8_lossy(bytes).into_owned())),
            FileContent::Private(secret) => (0o600, secret.clone()),
            FileContent::RandomToken { bytes } => (0o600, Secret::new("4f".repeat(usize::from(*bytes)))),
        };
        Self { mode, content }
    }
}

impl Host {
    /// What stands where an owned directory should be.
    pub(super) fn state_of(&self, place: &OwnedDirectory) -> DirectoryState {
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

    fn copy(&mut self, copy: &TreeCopy) -> Result<(), Failure> {
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

    fn remove(&mut self, place: &OwnedDirectory) -> Result<(), Failure> {
        self.ours(place)?;
        self.directories.remove(place.directory.as_str());
        let tree = self.trees.remove(place.directory.as_str());
        self.free_bytes += tree.map_or(0, |tree| tree.bytes);
        Ok(())
    }

    /// A package that was installed in a directory.
    pub(super) fn own_module(&self, directory: &AbsolutePath, name: &str) -> Option<ModuleFacts> {
        let package = format!("{name}/__init__.py");
        let found = self.directories.get(&self.leads_to(directory.as_str()))?.files.contains_key(&package);
        found.then(|| ModuleFacts { name: name.to_owned(), version: None, problem: None })
    }
}

#[async_trait]
impl FilesRead for Handle {
    async fn owned_directory(&self, place: &OwnedDirectory) -> Result<DirectoryState, Failure> {
        self.on_host("target.owned_directory", |host| Ok(host.state_of(place))).await
    }

    async fn files(&self, directory: &AbsolutePath, paths: &[String]) -> Result<Vec<Option<FileFacts>>, Failure> {
        self.on_host("target.files", |host| {
            let installed = host.directories.get(&host.leads_to(directory.as_str()));
            let directory = host.made_from(directory.as_str());
            let made = |path: &String| {
                let whole = format!("{directory}/{path}");
                let facts = || FileFacts { digest: Digest::of(whole.as_bytes()), mode: 0o644 };
                host.files.contains(&whole).then(facts)
            };
            let found = |path: &String| installed.and_then(|directory| Some(directory.files.get(path)?.facts()));
            Ok(paths.iter().map(|path| found(path).or_else(|| made(path))).collect())
        })
        .await
    }

    async fn private_file(&self, directory: &AbsolutePath, path: &str) -> Result<Secret, Failure> {
        let missing = || Failure::permanent(format!("there is no file {directory}/{path}"));
        self.on_host("target.private_file", |host| {
            let place = host.leads_to(directory.as_str());
            let found = host.directories.get(&place).and_then(|directory| directory.files.get(path));
            found.map(|file| file.content.clone()).ok_or_else(missing)
        })
        .await
    }

    async fn differences(
        &self,
        one: &AbsolutePath,
        other: &AbsolutePath,
        _: &[VolatilePattern],
    ) -> Result<Vec<String>, Failure> {
        self.on_host("target.differences", |host| {
            let tree = |path: &AbsolutePath| {
                let place = host.leads_to(path.as_str());
                host.releases.bases.get(&place).or_else(|| host.trees.get(&place)).cloned()
            };
            let same = tree(one) == tree(other);
            Ok(if same { Vec::new() } else { vec!["app.py: its content".to_owned()] })
        })
        .await
    }

    async fn smoke_import(&self, import: &SmokeImport) -> Result<Option<String>, Failure> {
        let missing = || Failure::permanent(format!("there is no directory {}", import.directory));
        self.on_host("target.smoke_import", |host| {
            let is_there = host.trees.contains_key(&host.leads_to(import.directory.as_str()));
            is_there.then(|| host.import_problem.clone()).ok_or_else(missing)
        })
        .await
    }
}

#[async_trait]
impl FilesWrite for Handle {
    async fn copy_tree(&self, permit: &ApplyPermit, copy: &TreeCopy) -> Result<(), WriteFailure> {
        self.change_host("target.copy_tree", permit.step(), |host| host.copy(copy)).await
    }

    async fn remove_directory(&self, permit: &UndoPermit, place: &OwnedDirectory) -> Result<(), WriteFailure> {
        self.change_host("target.remove_directory", permit.step(), |host| host.remove(place)).await
    }

    async fn install(&self, permit: &ApplyPermit, installation: &Installation) -> Result<(), WriteFailure> {
        let Installation { place, files } = installation;
        self.change_host("target.install", permit.step(), |host| {
            let missing = || Failure::permanent(format!("there is no copy in {}", place.directory));
            let directory = host.ours(place)?.filter(|directory| directory.complete).ok_or_else(missing)?;
            for file in files {
                let kept = matches!(file.content, FileContent::RandomToken { .. });
                if !(kept && directory.files.contains_key(&file.path)) {
                    directory.files.insert(file.path.clone(), SimulatedFile::of(&file.content));
                }
            }
            Ok(())
        })
        .await
    }

    async fn uninstall(
        &self,
        permit: &UndoPermit,
        place: &OwnedDirectory,
        paths: &[String],
    ) -> Result<(), WriteFailure> {
        self.change_host("target.uninstall", permit.step(), |host| {
            if let Some(directory) = host.ours(place)? {
                directory.files.retain(|path, _| !paths.contains(path));
            }
            Ok(())
        })
        .await
    }
}
