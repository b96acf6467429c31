//! Gunicorns of ours on simulated hosts.

use std::collections::BTreeMap;

use super::state::Host;
use super::workers::SimulatedWorkers;
use crate::core::Failure;
use crate::core::rollout::AbsolutePath;
use crate::ports::{DetachedFacts, DetachedGunicorn, MasterOf, ProcessFacts};

/// The number of the first process that is started; the host's own have smaller ones.
pub(super) const FIRST: u32 = 20_000;

impl Host {
    /// The variables in an environment file; `None` when there is no such file.
    fn variables_in(&self, file: &AbsolutePath) -> Option<BTreeMap<String, String>> {
        let found = self
            .directories
            .iter()
            .find_map(|(name, directory)| directory.files.get(file.as_str().strip_prefix(name)?.strip_prefix('/')?))?;
        let content = found.content.expose();
        Some(content.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// Starts a Gunicorn as the real host would: from how the original runs.
    pub(in crate::sim) fn start(&mut self, gunicorn: &DetachedGunicorn) -> Result<(), Failure> {
        if self.gunicorns.contains_key(gunicorn.pid_file.as_str()) {
            return Ok(());
        }
        if self.listening.contains(&gunicorn.port.number()) {
            return Err(Failure::permanent(format!("port {} is in use by another process", gunicorn.port)));
        }
        let original = self.services.get(&gunicorn.unit).filter(|service| service.main_pid.is_some());
        let Some(original) = original else {
            return Err(Failure::permanent(format!(
                "{} does not run, and the copy is made from how it runs",
                gunicorn.unit
            )));
        };
        let Some(mut environment) = self.variables_in(&gunicorn.environment_file) else {
            return Err(Failure::permanent("the copy's environment file cannot be read: No such file or directory"));
        };
        if let Some(logged) = &self.gunicorn_fails {
            return Err(Failure::permanent(format!("it ended right after its start\n{logged}")));
        }
        let moved = |word: &String| match word.strip_prefix(gunicorn.original.as_str()) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", gunicorn.directory),
            _ => word.clone(),
        };
        let (application, inherited) = match original.command_line.split_last() {
            Some((application, inherited)) => (application.clone(), inherited),
            None => return Err(Failure::permanent(format!("the main process of {} is not Gunicorn", gunicorn.unit))),
        };
        let address = format!("127.0.0.1:{}", gunicorn.port);
        let options = [
            ("--bind", address.clone()),
            ("--workers", gunicorn.workers.to_string()),
            ("--pid", gunicorn.pid_file.to_string()),
            ("--access-logfile", gunicorn.access_log.to_string()),
            ("--error-logfile", gunicorn.error_log.to_string()),
            ("--chdir", gunicorn.directory.to_string()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        let ends = ["--daemon".to_owned(), gunicorn.application.clone().unwrap_or_else(|| application.clone())];
        environment.insert("MIGRATE_WSGI_APP".to_owned(), application);
        // Never the same number twice, as good as on a real host.
        let first = self.last_process.max(FIRST) + 1;
        let process = |number: u32| ProcessFacts { pid: first + number, started_ticks: u64::from(first + number) * 7 };
        let mut facts = DetachedFacts {
            master: process(0),
            executable: original.executable.clone().unwrap_or_default(),
            command_line: inherited.iter().map(moved).chain(options).chain(ends).collect(),
            directory: gunicorn.directory.to_string(),
            workers: (1..=gunicorn.workers).map(process).collect(),
            listening: vec![address],
            environment,
            written_files: vec![gunicorn.access_log.to_string(), gunicorn.error_log.to_string()],
        };
        if let Some(habit) = self.gunicorn_habit {
            habit(&mut facts);
        }
        self.last_process = first + gunicorn.workers;
        self.listening.push(gunicorn.port.number());
        self.gunicorns.insert(gunicorn.pid_file.to_string(), facts);
        Ok(())
    }

    /// Has it run exactly so, as the real host would.
    pub(in crate::sim) fn restart(&mut self, gunicorn: &DetachedGunicorn) -> Result<(), Failure> {
        let pid_file = gunicorn.pid_file.as_str();
        let variables = self.variables_in(&gunicorn.environment_file);
        let runs_so = |facts: &DetachedFacts| {
            let told = facts.command_line.windows(2).any(|pair| pair == ["--workers", &gunicorn.workers.to_string()]);
            let set = variables.iter().flatten().all(|(name, value)| facts.environment.get(name) == Some(value));
            told && set
        };
        if self.gunicorns.get(pid_file).is_some_and(runs_so) {
            return Ok(());
        }
        self.end_gunicorn(pid_file);
        self.start(gunicorn)
    }

    /// Ends a Gunicorn, whoever asks: a signal, or a test that lets it die.
    pub fn end_gunicorn(&mut self, pid_file: &str) {
        let Some(facts) = self.gunicorns.remove(pid_file) else { return };
        let port = |address: &String| address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let free: Vec<u16> = facts.listening.iter().filter_map(port).collect();
        self.listening.retain(|port| !free.contains(port));
    }

    /// The Gunicorn of a pid file, when it runs in this directory, with these variables of its environment.
    pub(in crate::sim) fn detached(
        &self,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
        variables: &[String],
    ) -> Option<DetachedFacts> {
        let found = self.gunicorns.get(pid_file.as_str()).filter(|facts| facts.directory == directory.as_str());
        found.cloned().map(|mut facts| {
            facts.environment.retain(|name, _| variables.contains(name));
            facts
        })
    }

    /// How a Gunicorn behaves: as a test says, with as many workers as run of ours.
    pub(in crate::sim) fn watchable(&self, master: &MasterOf) -> SimulatedWorkers {
        let (name, running) = match master {
            MasterOf::PidFile(file) => {
                let facts = self.gunicorns.get(file.as_str());
                (file.as_str(), facts.and_then(|facts| u32::try_from(facts.workers.len()).ok()))
            }
            MasterOf::Unit(unit) => {
                let workers = self.services.get(unit).map(|service| if service.active { service.workers } else { 0 });
                (unit.as_str(), workers)
            }
        };
        let scripted = self.workers.get(name).cloned();
        let workers = running.or(scripted.as_ref().map(|one| one.workers)).unwrap_or(0);
        SimulatedWorkers { workers, ..scripted.unwrap_or_default() }
    }
}
