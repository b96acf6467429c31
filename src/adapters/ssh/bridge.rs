//! What a session bridge's metrics file says.

use async_trait::async_trait;

use super::programs;
use super::reader::{HostReader, READ_TIMEOUT_SECONDS};
use crate::core::Failure;
use crate::core::rollout::AbsolutePath;
use crate::ports::{BridgeLog, BridgeRead};

#[async_trait]
impl BridgeRead for HostReader {
    async fn bridge_log(&self, file: &AbsolutePath) -> Result<BridgeLog, Failure> {
        let what = format!("reading {file}");
        let arguments = [programs::BRIDGE_LOG, file.as_str()];
        let answer = self.ask(&what, include_str!("scripts/bridge.sh"), &arguments, READ_TIMEOUT_SECONDS).await?;
        serde_json::from_str(&answer).map_err(|error| self.nonsense(&what, &error.to_string()))
    }
}
