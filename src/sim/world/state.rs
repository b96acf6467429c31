//! Everything there is, put together from its parts, and what happens between two of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::core::rollout::{CacheAuth, Rollout, SshHost};
use crate::core::{Digest, Failure, StepId};
use crate::ports::{CensusFacts, Endpoint, LiveTree, NewReplicationGroup, Reachability, RuleSource};
use crate::sim::application::{SimulatedApplication, StoreLoss, Visited, serve_from_its_tree};
use crate::sim::cache::CacheServer;
use crate::sim::census;
use crate::sim::cloud::CloudState;
use crate::sim::faults::Faults;
use crate::sim::host::Host;
use crate::sim::paths::PathCuts;

/// Everything there is. Public, so that a test can break any part of it.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// AWS.
    pub cloud: CloudState,
    /// Hosts, by the name ssh knows them by.
    pub hosts: BTreeMap<String, Host>,
    /// Stores, by endpoint (`host:port`).
    pub stores: BTreeMap<String, CacheServer>,
    /// Applications that can be used and put under load, by endpoint (`host:port`, as their host sees it).
    pub applications: BTreeMap<String, SimulatedApplication>,
    /// What the session files on staging hold.
    pub census: CensusFacts,
    /// Secrets, by name (of the secret or of the environment variable).
    pub secrets: BTreeMap<String, String>,
    /// Paths that are cut.
    pub paths: PathCuts,
    /// What the copy does while the path to its store is cut.
    pub store_loss: StoreLoss,
    pub(super) faults: Faults,
    pub(super) writes: Vec<WriteRecord>,
}

/// A write that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRecord {
    /// The call: `cloud.create_subnet_group`, `target.execute`, ...
    pub call: String,
    /// What it was about.
    pub subject: String,
    /// The step whose permit was shown.
    pub step: StepId,
    /// Whether it took effect.
    pub happened: bool,
}

impl State {
    /// The healthy site that a rollout describes.
    pub(super) fn from_rollout(rollout: &Rollout) -> Self {
        Self {
            cloud: CloudState::from_rollout(rollout),
            hosts: Host::all_of(rollout),
            applications: SimulatedApplication::pair_of(rollout),
            census: census::usual(),
            secrets: match &rollout.cache.auth {
                CacheAuth::SecretsManager(name) | CacheAuth::Environment(name) => {
                    BTreeMap::from([(name.clone(), "simulated-token-0123456789".to_owned())])
                }
                CacheAuth::None => BTreeMap::new(),
            },
            ..Self::default()
        }
    }

    /// What a connection attempt meets; from this machine when `from` is `None`.
    pub(super) fn reachability(
        &self,
        from: Option<&SshHost>,
        endpoint: &Endpoint,
        now: Duration,
    ) -> Result<Reachability, Failure> {
        let groups = match from {
            None => Vec::new(),
            Some(name) => self.cloud.groups_of(&Host::reached(&self.hosts, name)?.instance),
        };
        if from.is_some_and(|host| self.paths.is_cut(host.as_str(), endpoint, now)) {
            return Ok(Reachability::TimedOut);
        }
        if from.is_some() && endpoint.host == "127.0.0.1" {
            let exists = self.stores.contains_key(&endpoint.to_string());
            return Ok(if exists { Reachability::Open } else { Reachability::Refused });
        }
        let Some(rules) = self.cloud.rules_before(endpoint, now) else {
            return Ok(Reachability::NoRoute);
        };
        let admitted = rules.iter().any(|rule| {
            let port = rule.ports.is_none_or(|(first, last)| (first..=last).contains(&endpoint.port));
            port && match &rule.source {
                RuleSource::Group(group) => groups.contains(group),
                // A rule that admits a range of addresses is taken to admit them all.
                RuleSource::Range(_) => true,
            }
        });
        Ok(if admitted { Reachability::Open } else { Reachability::TimedOut })
    }

    /// Creates a cluster, and the server that runs in it.
    pub(super) fn create_cluster(&mut self, new: &NewReplicationGroup, now: Duration) -> Result<(), Failure> {
        let endpoint = self.cloud.new_cluster(new, now)?;
        let token = new.token.as_ref().map(|token| token.expose().to_owned());
        // Every cluster is another server: a run_id is never used twice.
        let run_id = Digest::of(format!("{endpoint} {now:?}").as_bytes()).as_str()[..40].to_owned();
        let server = CacheServer::new(run_id, new.engine_version.clone(), new.encrypt_in_transit, token);
        self.stores.insert(endpoint.to_string(), server);
        Ok(())
    }

    /// Has the application of a host do with sessions what the tree does that its service runs in.
    pub(super) fn serve_from_its_tree(&mut self, name: &str) {
        let Some(host) = self.hosts.get(name) else { return };
        let owner = host.directories.get(&host.releases.root()).map(|directory| directory.owner.as_str());
        let release = owner.filter(|_| matches!(host.releases.runs, LiveTree::Release(_)));
        serve_from_its_tree(&mut self.applications, name, release);
    }

    /// The parts that a visitor of an application meets.
    pub(super) fn visited(&mut self) -> Visited<'_> {
        Visited {
            applications: &mut self.applications,
            hosts: &self.hosts,
            stores: &mut self.stores,
            paths: &self.paths,
            store_loss: &self.store_loss,
        }
    }
}
