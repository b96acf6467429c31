//! Gunicorns of ours on a simulated host.

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::rollout::AbsolutePath;
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{DetachedFacts, DetachedGunicorn, DetachedRead, DetachedWrite, WriteFailure};

#[async_trait]
impl DetachedRead for Handle {
    async fn detached(
        &self,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
        variables: &[String],
    ) -> Result<Option<DetachedFacts>, Failure> {
        self.on_host("target.detached", |host| Ok(host.detached(directory, pid_file, variables))).await
    }
}

#[async_trait]
impl DetachedWrite for Handle {
    async fn start_detached(&self, permit: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.change_host("target.start_detached", permit.step(), |host| host.start(gunicorn)).await
    }

    async fn restart_detached(&self, permit: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.change_host("target.restart_detached", permit.step(), |host| host.restart(gunicorn)).await
    }

    async fn revert_detached(&self, permit: &UndoPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.change_host("target.revert_detached", permit.step(), |host| host.restart(gunicorn)).await
    }

    async fn end_detached(
        &self,
        permit: &ApplyPermit,
        _: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure> {
        self.change_host("target.end_detached", permit.step(), |host| {
            host.end_gunicorn(pid_file.as_str());
            Ok(())
        })
        .await
    }

    async fn stop_detached(
        &self,
        permit: &UndoPermit,
        _: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure> {
        self.change_host("target.stop_detached", permit.step(), |host| {
            host.end_gunicorn(pid_file.as_str());
            Ok(())
        })
        .await
    }
}
