//! Which adapters stand behind the ports. The only place where real ones are chosen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::printer::Audience;
use crate::adapters;
use crate::configuration::InstalledFiles;
use crate::core::Plan;
use crate::engine::{Backoff, Cancel, Engine, EngineParts};
use crate::journal::{FileEvidence, Ledger};
use crate::steps::{ReadPorts, WritePorts};

/// The world, to look at and to change.
pub struct World {
    /// Eyes.
    pub read: ReadPorts,
    /// Hands.
    pub write: WritePorts,
}

/// The real world, as the environment and the rollout describe it, and the files that phases install. Nothing is
/// connected yet.
pub async fn world(plan: &Plan, base: &Path, installed: &InstalledFiles) -> World {
    let rollout = plan.rollout();
    let (cloud, cloud_write, secrets) = adapters::cloud(rollout).await;
    let hosts = Arc::new(adapters::Hosts::new(&rollout.ssh, base));
    let cache = Arc::new(adapters::RedisConnector::new(hosts.clone()));
    let read = ReadPorts {
        cloud,
        targets: hosts.clone(),
        cache: cache.clone(),
        secrets,
        load: Arc::new(adapters::HttpLoad::new(hosts.clone())),
        browsers: Arc::new(adapters::HttpBrowsers::new(hosts.clone())),
        local: Arc::new(adapters::LocalFiles::new(installed.clone())),
        clock: Arc::new(adapters::SystemClock::new()),
    };
    World { read, write: WritePorts { cloud: cloud_write, targets: hosts, cache } }
}

/// An engine over that world.
pub fn engine(
    plan: Plan,
    ledger: Ledger,
    evidence: FileEvidence,
    world: World,
    base_directory: PathBuf,
    audience: Arc<dyn Audience>,
    cancel: Cancel,
) -> Engine {
    Engine::new(EngineParts {
        plan,
        ledger,
        evidence: Box::new(evidence),
        read: world.read,
        write: world.write,
        base_directory,
        progress: audience,
        cancel,
        backoff: Backoff::default(),
    })
}
