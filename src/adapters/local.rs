//! Files on this machine.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;

use crate::core::Failure;
use crate::ports;

/// What phases install, as it was read when the plan was made, and the file system.
#[derive(Debug, Clone, Default)]
pub struct LocalFiles {
    installed: BTreeMap<String, Vec<u8>>,
}

impl LocalFiles {
    /// With the files that phases install, by path below `phases/`.
    pub fn new(installed: BTreeMap<String, Vec<u8>>) -> Self {
        Self { installed }
    }
}

#[async_trait]
impl ports::LocalFiles for LocalFiles {
    async fn installed(&self, path: &str) -> Result<Vec<u8>, Failure> {
        self.installed.get(path).cloned().ok_or_else(|| {
            Failure::permanent(format!("phases/ holds no file {path}"))
                .hint("name the directory that the run was planned from with `--phases DIR`")
        })
    }

    async fn named(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        tokio::fs::read(path).await.map_err(|error| {
            Failure::permanent(format!("{} cannot be read: {error}", path.display()))
                .hint("rollout.yaml names it: correct the name, or put the file there")
        })
    }
}
