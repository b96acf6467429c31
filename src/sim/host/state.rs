//! A host: services, trees, packages, and what rollouts made on it.

use std::collections::{BTreeMap, BTreeSet};

use super::bridge::SimulatedBridge;
use super::directories::SimulatedDirectory;
use super::releases::SimulatedReleases;
use super::workers::SimulatedWorkers;
use crate::core::rollout::{Application, Rollout, SshHost};
use crate::core::{Digest, Failure};
use crate::ports::{DetachedFacts, ModuleFacts, ProcessFacts, ServiceFacts, TreeFacts};

/// Hosts, by the name ssh knows them by.
pub(in crate::sim) type Hosts = BTreeMap<String, Host>;

/// A host.
#[derive(Debug, Clone)]
pub struct Host {
    /// Who ssh logs in as.
    pub account: String,
    /// The instance it is, by id or `Name` tag.
    pub instance: String,
    /// Why ssh does not work, when it does not.
    pub unreachable: Option<Failure>,
    /// Units.
    pub services: BTreeMap<String, ServiceFacts>,
    /// Trees, by path.
    pub trees: BTreeMap<String, TreeFacts>,
    /// Room.
    pub free_bytes: u64,
    /// Ports somebody listens on.
    pub listening: Vec<u16>,
    /// Python modules by name.
    pub modules: BTreeMap<String, ModuleFacts>,
    /// Files that scripts made.
    pub files: BTreeSet<String>,
    /// Gunicorns of ours, by pid file. Their environment is all of it here.
    pub gunicorns: BTreeMap<String, DetachedFacts>,
    /// Why a Gunicorn that is started ends at once, when it does: what it logs.
    pub gunicorn_fails: Option<String>,
    /// What is different about a Gunicorn that is started.
    pub gunicorn_habit: Option<fn(&mut DetachedFacts)>,
    /// The highest number of a process that was started.
    pub(super) last_process: u32,
    /// Directories that rollouts made, by path.
    pub directories: BTreeMap<String, SimulatedDirectory>,
    /// Why the application cannot be imported, when it cannot.
    pub import_problem: Option<String>,
    /// Gunicorns that can be watched, by pid file or unit.
    pub workers: BTreeMap<String, SimulatedWorkers>,
    /// Its releases, and the tree its service runs in.
    pub releases: SimulatedReleases,
    /// What the session bridge of the live release counts, when there is one.
    pub bridge: Option<SimulatedBridge>,
}

impl Host {
    /// Every host of a rollout, healthy.
    pub(in crate::sim) fn all_of(rollout: &Rollout) -> Hosts {
        let staging = (rollout.staging.host.to_string(), rollout.staging.instance.as_str());
        let production =
            rollout.production.targets.iter().map(|target| (target.host.to_string(), target.instance.as_str()));
        std::iter::once(staging)
            .chain(production)
            .enumerate()
            .map(|(index, (host, instance))| (host, Self::running(&rollout.application, instance, index)))
            .collect()
    }

    fn running(application: &Application, instance: &str, index: usize) -> Self {
        let virtualenv = &application.virtualenv;
        let words = [format!("{virtualenv}/bin/python"), format!("{virtualenv}/bin/gunicorn"), "app:app".into()];
        let pid = 1_000 + u32::try_from(index).unwrap_or(0);
        let service = ServiceFacts {
            active: true,
            main_pid: Some(pid),
            executable: Some("/usr/bin/python3.11".into()),
            command_line: words.to_vec(),
            started_ticks: Some(u64::from(pid) * 7),
            environment: Some(Digest::of(format!("environment {index}").as_bytes())),
            unit: Some(Digest::of(application.unit.as_bytes())),
            workers: application.workers,
        };
        let tree = TreeFacts { digest: Digest::of(application.name.as_bytes()), files: 420, bytes: 300 << 20 };
        let module = |name: &String| {
            (name.clone(), ModuleFacts { name: name.clone(), version: Some("1.0".into()), problem: None })
        };
        Self {
            account: application.user.clone(),
            instance: instance.to_owned(),
            unreachable: None,
            services: BTreeMap::from([(application.unit.clone(), service)]),
            trees: BTreeMap::from([(application.directory.to_string(), tree)]),
            free_bytes: 8 << 30,
            listening: vec![22, application.port.number()],
            modules: application.modules.iter().map(module).collect(),
            files: BTreeSet::new(),
            gunicorns: BTreeMap::new(),
            gunicorn_fails: None,
            gunicorn_habit: None,
            last_process: 0,
            directories: BTreeMap::new(),
            import_problem: None,
            workers: BTreeMap::new(),
            releases: SimulatedReleases::none(application),
            bridge: None,
        }
    }

    /// A host of this name that can be reached.
    pub(in crate::sim) fn reached<'a>(hosts: &'a Hosts, name: &SshHost) -> Result<&'a Self, Failure> {
        let host = hosts.get(name.as_str()).ok_or_else(|| unknown(name))?;
        host.unreachable.clone().map_or(Ok(host), Err)
    }

    /// The same, to change it.
    pub(in crate::sim) fn reached_mut<'a>(hosts: &'a mut Hosts, name: &SshHost) -> Result<&'a mut Self, Failure> {
        let host = hosts.get_mut(name.as_str()).ok_or_else(|| unknown(name))?;
        host.unreachable.clone().map_or(Ok(host), Err)
    }
}

fn unknown(host: &SshHost) -> Failure {
    Failure::permanent(format!("ssh: Could not resolve hostname {host}"))
}

/// A service's main process.
pub(super) fn master_of(service: &ServiceFacts) -> Option<ProcessFacts> {
    Some(ProcessFacts { pid: service.main_pid?, started_ticks: service.started_ticks? })
}
