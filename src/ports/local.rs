//! Files on the operator's machine that steps put on targets.

use std::path::Path;

use async_trait::async_trait;

use crate::core::Failure;

/// Reads them, each time one is needed.
#[async_trait]
pub trait LocalFiles: Send + Sync {
    /// A file that phases install, by its path below `phases/`.
    ///
    /// # Errors
    /// When there is none of that name.
    async fn installed(&self, path: &str) -> Result<Vec<u8>, Failure>;

    /// A file that rollout.yaml names; `path` is whole.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    async fn named(&self, path: &Path) -> Result<Vec<u8>, Failure>;
}
