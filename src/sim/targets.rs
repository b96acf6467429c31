//! Hosts: services, trees, packages, and a very small shell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{SimulatedBridge, SimulatedDirectory, SimulatedReleases, SimulatedWorkers, World};
use crate::core::rollout::{AbsolutePath, Application, Rollout, SshHost, VolatilePattern};
use crate::core::{ApplyPermit, Digest, Failure, StepId, UndoPermit};
use crate::ports::{
    CommandOutput, DetachedFacts, DiskFacts, Endpoint, ModuleFacts, Reachability, RuleSource, Script, ServiceFacts,
    TargetRead, TargetWrite, TargetsRead, TargetsWrite, TreeFacts, WritableTarget, WriteFailure,
};

/// What something on a host takes.
const TAKES: Duration = Duration::from_millis(15);

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
    pub(super) fn all_of(rollout: &Rollout) -> BTreeMap<String, Self> {
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

    /// Runs a script: `touch FILE`, `rm FILE`, `test FILE`, `test FILE || exit CODE`, `echo TEXT`, `true`, `false`,
    /// `exit CODE`, one a line, until one fails.
    fn run(&mut self, script: &Script) -> CommandOutput {
        let mut said = String::new();
        let ended = |code: i32, stdout: String, stderr: String| CommandOutput { code, stdout, stderr };
        for line in script.0.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let code = match words.as_slice() {
                ["true"] => 0,
                ["false"] => 1,
                ["touch", file] => {
                    self.files.insert((*file).to_owned());
                    0
                }
                ["rm", file] => {
                    self.files.remove(*file);
                    0
                }
                ["test", file] => i32::from(!self.files.contains(*file)),
                ["test", file, "||", "exit", code] => match self.files.contains(*file) {
                    true => 0,
                    false => code.parse().unwrap_or(2),
                },
                ["echo", text] => {
                    said.push_str(text);
                    said.push('\n');
                    0
                }
                ["exit", code] => return ended(code.parse().unwrap_or(2), said, String::new()),
                _ => return ended(127, said, format!("sh: {line}: not found")),
            };
            if code != 0 {
                return ended(code, said, format!("{line}: exit code {code}"));
            }
        }
        ended(0, said, String::new())
    }
}

impl World {
    /// What a connection attempt meets; from this machine when `from` is `None`.
    pub(super) fn meets(&self, from: Option<&SshHost>, endpoint: &Endpoint) -> Result<Reachability, Failure> {
        let now = self.time().now();
        self.edit(|state| {
            let groups = match from {
                None => Vec::new(),
                Some(name) => {
                    let host = state.hosts.get(name.as_str()).ok_or_else(|| unknown(name))?;
                    if let Some(failure) = &host.unreachable {
                        return Err(failure.clone());
                    }
                    state.cloud.groups_of(&host.instance)
                }
            };
            if from.is_some_and(|host| state.paths.is_cut(host.as_str(), endpoint, now)) {
                return Ok(Reachability::TimedOut);
            }
            if from.is_some() && endpoint.host == "127.0.0.1" {
                let is_there = state.stores.contains_key(&endpoint.to_string());
                return Ok(if is_there { Reachability::Open } else { Reachability::Refused });
            }
            let Some(rules) = state.cloud.rules_before(endpoint, now) else {
                return Ok(Reachability::NoRoute);
            };
            let admitted = rules.iter().any(|rule| {
                let port = rule.ports.is_none_or(|(first, last)| (first..=last).contains(&endpoint.port));
                port && match &rule.source {
                    RuleSource::Group(group) => groups.contains(group),
                    // Whoever opens it to a range opens it to everyone.
                    RuleSource::Range(_) => true,
                }
            });
            Ok(if admitted { Reachability::Open } else { Reachability::TimedOut })
        })
    }
}

pub(super) fn unknown(host: &SshHost) -> Failure {
    Failure::permanent(format!("ssh: Could not resolve hostname {host}"))
}

/// A handle to a host.
pub(super) struct Handle {
    pub(super) world: World,
    pub(super) host: SshHost,
}

impl Handle {
    pub(super) async fn on_host<T: Send>(
        &self,
        call: &str,
        answer: impl FnOnce(&mut Host) -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        self.world
            .look(call, TAKES, |state| {
                let host = state.hosts.get_mut(self.host.as_str()).ok_or_else(|| unknown(&self.host))?;
                match &host.unreachable {
                    Some(failure) => Err(failure.clone()),
                    None => answer(host),
                }
            })
            .await
    }

    pub(super) async fn change_host<T: Send>(
        &self,
        call: &str,
        step: &StepId,
        change: impl FnOnce(&mut Host) -> Result<T, Failure> + Send,
    ) -> Result<T, WriteFailure> {
        self.world
            .write(call, self.host.as_str(), step, |state, _| {
                let host = state.hosts.get_mut(self.host.as_str()).ok_or_else(|| unknown(&self.host))?;
                match &host.unreachable {
                    Some(failure) => Err(failure.clone()),
                    None => change(host),
                }
            })
            .await
    }

    async fn script(&self, call: &str, step: &StepId, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.change_host(call, step, |host| Ok(host.run(script))).await
    }
}

#[async_trait]
impl TargetRead for Handle {
    async fn hello(&self) -> Result<String, Failure> {
        self.on_host("target.hello", |host| Ok(host.account.clone())).await
    }

    async fn service(&self, unit: &str) -> Result<ServiceFacts, Failure> {
        let missing = || Failure::permanent(format!("there is no unit {unit}"));
        self.on_host("target.service", |host| host.services.get(unit).cloned().ok_or_else(missing)).await
    }

    async fn tree(&self, directory: &AbsolutePath, left_out: &[VolatilePattern]) -> Result<TreeFacts, Failure> {
        let missing = || Failure::permanent(format!("there is no directory {directory}"));
        // Without what we add, a release is what it was made from.
        let as_made = left_out.iter().any(|pattern| pattern.covers(".migrate"));
        self.on_host("target.tree", |host| {
            let place = host.leads_to(directory.as_str());
            let base = host.releases.bases.get(&place).filter(|_| as_made);
            base.or_else(|| host.trees.get(&place)).cloned().ok_or_else(missing)
        })
        .await
    }

    async fn manifest(
        &self,
        directory: &AbsolutePath,
        _: &[VolatilePattern],
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        let missing = || Failure::permanent(format!("there is no directory {directory}"));
        self.on_host("target.manifest", |host| {
            let tree = host.trees.get(&host.leads_to(directory.as_str())).ok_or_else(missing)?;
            // Trees that differ do so in one file.
            Ok(BTreeMap::from([("app.py".to_owned(), tree.digest.clone())]))
        })
        .await
    }

    async fn disk(&self, _: &AbsolutePath) -> Result<DiskFacts, Failure> {
        self.on_host("target.disk", |host| Ok(DiskFacts { free_bytes: host.free_bytes })).await
    }

    async fn listening(&self) -> Result<Vec<u16>, Failure> {
        self.on_host("target.listening", |host| Ok(host.listening.clone())).await
    }

    async fn modules(
        &self,
        _: &str,
        directory: &AbsolutePath,
        modules: &[String],
    ) -> Result<Vec<ModuleFacts>, Failure> {
        let missing = |name: &String| ModuleFacts {
            name: name.clone(),
            version: None,
            problem: Some(format!("ModuleNotFoundError: No module named '{name}'")),
        };
        self.on_host("target.modules", |host| {
            let found = |name: &String| host.modules.get(name).cloned().or_else(|| host.own_module(directory, name));
            Ok(modules.iter().map(|name| found(name).unwrap_or_else(|| missing(name))).collect())
        })
        .await
    }

    async fn reach(&self, endpoint: &Endpoint, _: Duration) -> Result<Reachability, Failure> {
        self.world.look("target.reach", TAKES, |_| Ok(())).await?;
        self.world.meets(Some(&self.host), endpoint)
    }

    async fn check(&self, script: &Script) -> Result<CommandOutput, Failure> {
        self.on_host("target.check", |host| {
            // On a copy: a check that changes something changes nothing here, and so does not work.
            Ok(host.clone().run(script))
        })
        .await
    }
}

#[async_trait]
impl TargetWrite for Handle {
    async fn execute(&self, permit: &ApplyPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.script("target.execute", permit.step(), script).await
    }

    async fn revert(&self, permit: &UndoPermit, script: &Script) -> Result<CommandOutput, WriteFailure> {
        self.script("target.revert", permit.step(), script).await
    }
}

#[async_trait]
impl TargetsRead for World {
    fn reader(&self, host: &SshHost) -> Arc<dyn TargetRead> {
        Arc::new(Handle { world: self.clone(), host: host.clone() })
    }

    async fn reach_from_here(&self, endpoint: &Endpoint, _: Duration) -> Result<Reachability, Failure> {
        self.look("operator.reach", TAKES, |_| Ok(())).await?;
        self.meets(None, endpoint)
    }
}

impl TargetsWrite for World {
    fn writer(&self, target: &WritableTarget) -> Arc<dyn TargetWrite> {
        Arc::new(Handle { world: self.clone(), host: target.host().clone() })
    }
}
