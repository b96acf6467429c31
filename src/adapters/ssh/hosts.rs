//! All hosts of a rollout.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::connection::{HostConnection, Settings};
use super::reach;
use super::reader::HostReader;
use super::writer::HostWriter;
use crate::core::Failure;
use crate::core::rollout::{Ssh, SshHost};
use crate::ports::{Endpoint, Reachability, TargetRead, TargetWrite, TargetsRead, TargetsWrite, WritableTarget};

/// Hosts by the name `ssh` knows them by. One connection a host, opened when it is first needed and shared by everyone
/// who reads, writes or goes through it.
pub struct Hosts {
    settings: Arc<Settings>,
    connections: Mutex<HashMap<SshHost, Arc<HostConnection>>>,
}

impl Hosts {
    /// Hosts reached as rollout.yaml says. A relative `config` starts at `directory`, where rollout.yaml is.
    pub fn new(ssh: &Ssh, directory: &Path) -> Self {
        let config_file: Option<PathBuf> = ssh.config.as_ref().map(|file| directory.join(file));
        let settings = Arc::new(Settings::new(config_file, ssh.connect_timeout.get()));
        Self { settings, connections: Mutex::new(HashMap::new()) }
    }

    /// A host's connection.
    pub(in crate::adapters) fn connection(&self, host: &SshHost) -> Arc<HostConnection> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections
            .entry(host.clone())
            .or_insert_with(|| Arc::new(HostConnection::new(host.clone(), self.settings.clone())))
            .clone()
    }
}

#[async_trait]
impl TargetsRead for Hosts {
    fn reader(&self, host: &SshHost) -> Arc<dyn TargetRead> {
        Arc::new(HostReader::new(self.connection(host)))
    }

    async fn reach_from_here(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Reachability, Failure> {
        reach::from_here(endpoint, timeout).await
    }
}

impl TargetsWrite for Hosts {
    fn writer(&self, target: &WritableTarget) -> Arc<dyn TargetWrite> {
        Arc::new(HostWriter::new(self.connection(target.host())))
    }
}
