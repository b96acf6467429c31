//! Changing a host.

use std::sync::Arc;

use async_trait::async_trait;

use super::connection::HostConnection;
use super::reader::{MAX_OUTPUT_BYTES, output};
use super::run::{Job, Unfinished, run};
use crate::core::{ApplyPermit, UndoPermit};
use crate::ports::{CommandOutput, Script, TargetWrite, WriteFailure};

/// Changes one host.
pub(super) struct HostWriter {
    connection: Arc<HostConnection>,
}

impl HostWriter {
    pub(super) fn new(connection: Arc<HostConnection>) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &Arc<HostConnection> {
        &self.connection
    }

    /// No limit of time: how long a script may take is its step's business, and one that is cut off is worse than one
    /// that is waited for. A host that stops answering ends the connection within 20 s.
    async fn write(&self, script: &Script) -> Result<CommandOutput, WriteFailure> {
        let job = Job { script: &script.0, arguments: &[], seconds: None, limit: MAX_OUTPUT_BYTES };
        match run(&self.connection, &job).await {
            Ok(finished) => Ok(output(&finished)),
            Err(Unfinished::NotBegun(failure)) => Err(WriteFailure::clean(failure)),
            Err(Unfinished::Lost(failure)) => Err(WriteFailure::unknown(failure)),
        }
    }
}

#[async_trait]
impl TargetWrite for HostWriter {
    async fn execute(&self, _: &ApplyPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.write(script).await
    }

    async fn revert(&self, _: &UndoPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.write(script).await
    }
}
