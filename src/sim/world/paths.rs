//! Cutting and restoring the path from a simulated host to an endpoint.

use std::time::Duration;

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::rollout::Name;
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{CutState, PathCut, PathRead, PathWrite, WriteFailure};

/// What a look takes.
const READ_DURATION: Duration = Duration::from_millis(15);

#[async_trait]
impl PathRead for Handle {
    async fn path_cut(&self, rollout: &Name) -> Result<CutState, Failure> {
        self.on_host("target.path_cut", |_| Ok(())).await?;
        let (host, now) = (self.host.as_str(), self.world.time().now());
        self.world.look("target.path_cut", READ_DURATION, |state| Ok(state.paths.state(host, rollout, now))).await
    }
}

#[async_trait]
impl PathWrite for Handle {
    async fn cut_path(&self, permit: &ApplyPermit, cut: &PathCut) -> Result<(), WriteFailure> {
        let host = self.host.as_str();
        self.world.write("target.cut_path", host, permit.step(), |state, now| state.paths.cut(host, cut, now)).await
    }

    async fn restore_path(&self, permit: &UndoPermit, rollout: &Name) -> Result<(), WriteFailure> {
        let host = self.host.as_str();
        self.world
            .write("target.restore_path", host, permit.step(), |state, _| {
                state.paths.restore(host, rollout);
                Ok(())
            })
            .await
    }
}
