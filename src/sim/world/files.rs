//! Directories and files on a simulated host.

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::rollout::{AbsolutePath, VolatilePattern};
use crate::core::{ApplyPermit, Failure, Secret, UndoPermit};
use crate::ports::{
    DirectoryState, FileFacts, FilesRead, FilesWrite, Installation, OwnedDirectory, SmokeImport, TreeCopy, WriteFailure,
};

#[async_trait]
impl FilesRead for Handle {
    async fn owned_directory(&self, place: &OwnedDirectory) -> Result<DirectoryState, Failure> {
        self.on_host("target.owned_directory", |host| Ok(host.state_of(place))).await
    }

    async fn files(&self, directory: &AbsolutePath, paths: &[String]) -> Result<Vec<Option<FileFacts>>, Failure> {
        self.on_host("target.files", |host| Ok(host.files_in(directory, paths))).await
    }

    async fn private_file(&self, directory: &AbsolutePath, path: &str) -> Result<Secret, Failure> {
        self.on_host("target.private_file", |host| host.private_file(directory, path)).await
    }

    async fn differences(
        &self,
        one: &AbsolutePath,
        other: &AbsolutePath,
        _: &[VolatilePattern],
    ) -> Result<Vec<String>, Failure> {
        self.on_host("target.differences", |host| Ok(host.differences(one, other))).await
    }

    async fn smoke_import(&self, import: &SmokeImport) -> Result<Option<String>, Failure> {
        self.on_host("target.smoke_import", |host| host.smoke_import(import)).await
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
        self.change_host("target.install", permit.step(), |host| host.install(installation)).await
    }

    async fn uninstall(
        &self,
        permit: &UndoPermit,
        place: &OwnedDirectory,
        paths: &[String],
    ) -> Result<(), WriteFailure> {
        self.change_host("target.uninstall", permit.step(), |host| host.uninstall(place, paths)).await
    }
}
