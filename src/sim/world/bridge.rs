//! The log of the session bridge on a simulated host.

use async_trait::async_trait;

use super::hosts::Handle;
use crate::core::Failure;
use crate::core::rollout::AbsolutePath;
use crate::ports::{BridgeLog, BridgeRead};

#[async_trait]
impl BridgeRead for Handle {
    /// Whatever the file: a host has one bridge, `Host::bridge`, or none.
    async fn bridge_log(&self, _: &AbsolutePath) -> Result<BridgeLog, Failure> {
        let now = self.world.time().now();
        self.on_host("target.bridge_log", |host| {
            Ok(host.bridge.as_mut().map_or_else(BridgeLog::default, |bridge| {
                bridge.count(now);
                bridge.log()
            }))
        })
        .await
    }
}
