//! The processes that answer requests on a host.

use std::collections::BTreeMap;

use super::state::Host;
use crate::core::Failure;
use crate::ports::LiveTree;

/// Where a release keeps its environment.
const ENVIRONMENT: &str = ".migrate/environment";

/// A master with its workers, and what they were given.
#[derive(Debug, Clone)]
pub(in crate::sim) struct Process {
    pub master: u32,
    pub workers: Vec<u32>,
    pub environment: BTreeMap<String, String>,
}

impl Process {
    /// The failure of a request to an endpoint where no process listens.
    pub(in crate::sim) fn missing(endpoint: &str) -> Failure {
        Failure::transient(format!("no process listens on {endpoint} (simulated)"))
    }

    /// The Gunicorn of ours that listens there, on one of these hosts.
    pub(in crate::sim) fn listening<'a>(hosts: impl Iterator<Item = &'a Host>, endpoint: &str) -> Option<Self> {
        let mut gunicorns = hosts.flat_map(|host| host.gunicorns.values());
        let facts = gunicorns.find(|facts| facts.listening.iter().any(|address| address == endpoint))?;
        Some(Self {
            master: facts.master.pid,
            workers: facts.workers.iter().map(|worker| worker.pid).collect(),
            environment: facts.environment.clone(),
        })
    }

    /// The service of a host, with what the file says of the release that it runs in.
    pub(in crate::sim) fn of_service(host: &Host) -> Option<Self> {
        let service = host.services.values().next()?;
        let master = service.main_pid?;
        let release = match &host.releases.runs {
            LiveTree::Release(name) => host.directories.get(&format!("{}/{name}", host.releases.root())),
            _ => None,
        };
        let file = release.and_then(|directory| directory.files.get(ENVIRONMENT));
        let lines = file.map_or("", |file| file.content.expose()).lines();
        Some(Self {
            master,
            workers: (1..=service.workers).map(|number| master + number).collect(),
            environment: lines.filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect(),
        })
    }
}
