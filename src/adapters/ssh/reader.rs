//! Looking at a host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use super::connection::HostConnection;
use super::listing::{self, Unusable};
use super::run::{Finished, Job, run};
use super::{parse, programs, service, tail};
use crate::core::rollout::{AbsolutePath, VolatilePattern};
use crate::core::{Digest, Failure, rollout::SshHost};
use crate::ports::{
    CommandOutput, DiskFacts, Endpoint, ModuleFacts, Reachability, Script, ServiceFacts, TargetRead, TreeFacts,
};

/// How long a read of a few facts may take on the host, in seconds.
pub(super) const READ_TIMEOUT_SECONDS: u64 = 60;
/// How long hashing a tree may take, in seconds.
const TREE_TIMEOUT_SECONDS: u64 = 900;
/// How long importing one module may take, in seconds: pandas from a cold disk takes ten.
const IMPORT_TIMEOUT_SECONDS: u64 = 60;
/// The maximum size of the reply to a read of a few facts, in bytes.
const MAX_REPLY_BYTES: usize = 1 << 20;
/// The maximum size of the listing of a tree, in bytes: about half a million files.
const MAX_LISTING_BYTES: usize = 1 << 27;
/// How much of a script's output is kept, in bytes.
pub(super) const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// Looks at one host.
pub(super) struct HostReader {
    connection: Arc<HostConnection>,
}

impl HostReader {
    pub(super) fn new(connection: Arc<HostConnection>) -> Self {
        Self { connection }
    }

    /// The connection to the host.
    pub(super) fn connection(&self) -> &Arc<HostConnection> {
        &self.connection
    }

    pub(super) fn host(&self) -> &SshHost {
        self.connection.host()
    }

    pub(super) async fn look(
        &self,
        script: &str,
        arguments: &[&str],
        seconds: u64,
        limit: usize,
    ) -> Result<Finished, Failure> {
        let job = Job { script, arguments, seconds: Some(seconds), limit };
        run(&self.connection, &job).await.map_err(super::run::Unfinished::into_failure)
    }

    /// A quick look's answer as text, less its sentinel.
    pub(super) async fn ask(
        &self,
        what: &str,
        script: &str,
        arguments: &[&str],
        seconds: u64,
    ) -> Result<String, Failure> {
        let finished = self.look(script, arguments, seconds, MAX_REPLY_BYTES).await?;
        let body = parse::body(self.host(), what, &finished)?;
        parse::text(self.host(), what, body).map(str::to_owned)
    }

    /// Lists a tree, and makes something of it.
    async fn list<T>(
        &self,
        directory: &AbsolutePath,
        volatile: &[VolatilePattern],
        made: fn(&[u8]) -> Result<T, Unusable>,
    ) -> Result<T, Failure> {
        let what = format!("reading {directory}");
        let arguments: Vec<&str> =
            std::iter::once(directory.as_str()).chain(volatile.iter().map(VolatilePattern::as_str)).collect();
        let finished =
            self.look(include_str!("scripts/tree.sh"), &arguments, TREE_TIMEOUT_SECONDS, MAX_LISTING_BYTES).await?;
        let changed = || Failure::transient(format!("{}: {what}: the tree changed while it was read", self.host()));
        let body = parse::body(self.host(), &what, &finished).map_err(|failure| {
            // A file that vanished between the listing and its hashing; a directory that is not there exits with 66.
            let vanished = failure.message.contains("No such file or directory") && finished.code != 66;
            if vanished { changed().hint(failure.message) } else { failure }
        })?;
        made(body).map_err(|unusable| match unusable {
            Unusable::Changed => changed(),
            Unusable::Nonsense(found) => self.nonsense(&what, found),
        })
    }

    pub(super) fn nonsense(&self, what: &str, found: &str) -> Failure {
        parse::unexpected(self.host(), what, found)
    }
}

/// One TCP connection attempt from a host.
///
/// # Errors
/// When the host itself cannot be asked.
pub(in crate::adapters) async fn reach_from(
    connection: &Arc<HostConnection>,
    endpoint: &Endpoint,
    timeout: Duration,
) -> Result<Reachability, Failure> {
    let reader = HostReader::new(connection.clone());
    let what = format!("reaching {endpoint}");
    let seconds = timeout.as_secs().max(1);
    let (port, patience) = (endpoint.port.to_string(), seconds.to_string());
    let arguments = [endpoint.host.as_str(), &port, &patience, programs::REACH];
    let answer = reader.ask(&what, include_str!("scripts/reach.sh"), &arguments, seconds + 30).await?;
    match answer.strip_prefix("reach ").map(str::trim_end) {
        Some("open") => Ok(Reachability::Open),
        Some("refused") => Ok(Reachability::Refused),
        Some("timed_out") => Ok(Reachability::TimedOut),
        Some("no_route") => Ok(Reachability::NoRoute),
        _ => Err(reader.nonsense(&what, &answer)),
    }
}

#[async_trait]
impl TargetRead for HostReader {
    async fn hello(&self) -> Result<String, Failure> {
        let answer =
            self.ask("asking for the account", include_str!("scripts/hello.sh"), &[], READ_TIMEOUT_SECONDS).await?;
        let account = answer.strip_prefix("account ").map(str::trim_end).filter(|account| !account.is_empty());
        account.map(str::to_owned).ok_or_else(|| self.nonsense("asking for the account", &answer))
    }

    async fn service(&self, unit: &str) -> Result<ServiceFacts, Failure> {
        let what = format!("looking at {unit}");
        let answer = self.ask(&what, include_str!("scripts/service.sh"), &[unit], READ_TIMEOUT_SECONDS).await?;
        service::facts(&answer).ok_or_else(|| self.nonsense(&what, &answer))
    }

    async fn tree(&self, directory: &AbsolutePath, volatile: &[VolatilePattern]) -> Result<TreeFacts, Failure> {
        self.list(directory, volatile, listing::facts).await
    }

    async fn manifest(
        &self,
        directory: &AbsolutePath,
        volatile: &[VolatilePattern],
    ) -> Result<BTreeMap<String, Digest>, Failure> {
        self.list(directory, volatile, listing::manifest).await
    }

    async fn disk(&self, directory: &AbsolutePath) -> Result<DiskFacts, Failure> {
        let what = format!("measuring the room for {directory}");
        let answer =
            self.ask(&what, include_str!("scripts/disk.sh"), &[directory.as_str()], READ_TIMEOUT_SECONDS).await?;
        let numbers = answer
            .trim_end()
            .split_once(' ')
            .and_then(|(blocks, size)| blocks.parse::<u64>().ok()?.checked_mul(size.parse::<u64>().ok()?));
        numbers.map(|free_bytes| DiskFacts { free_bytes }).ok_or_else(|| self.nonsense(&what, &answer))
    }

    async fn listening(&self) -> Result<Vec<u16>, Failure> {
        let what = "listing the listening ports";
        let answer = self.ask(what, include_str!("scripts/listening.sh"), &[], READ_TIMEOUT_SECONDS).await?;
        listening_ports(&answer).ok_or_else(|| self.nonsense(what, &answer))
    }

    async fn modules(
        &self,
        interpreter: &str,
        directory: &AbsolutePath,
        modules: &[String],
    ) -> Result<Vec<ModuleFacts>, Failure> {
        let what = format!("importing modules with {interpreter}");
        let seconds = IMPORT_TIMEOUT_SECONDS.to_string();
        let fixed = [interpreter, directory.as_str(), &seconds, programs::MODULE_IMPORT];
        let arguments: Vec<&str> = fixed.into_iter().chain(modules.iter().map(String::as_str)).collect();
        let total = (IMPORT_TIMEOUT_SECONDS + 5) * u64::try_from(modules.len()).unwrap_or(u64::MAX / 1000)
            + READ_TIMEOUT_SECONDS;
        let answer = self.ask(&what, include_str!("scripts/modules.sh"), &arguments, total).await?;
        let mut lines = answer.lines();
        let facts = modules.iter().map(|name| module_facts(name, lines.next()?, lines.next()?)).collect();
        let facts: Option<Vec<ModuleFacts>> = facts;
        facts.filter(|_| lines.next().is_none()).ok_or_else(|| self.nonsense(&what, &answer))
    }

    async fn reach(&self, endpoint: &Endpoint, timeout: Duration) -> Result<Reachability, Failure> {
        reach_from(&self.connection, endpoint, timeout).await
    }

    async fn check(&self, script: &Script) -> Result<CommandOutput, Failure> {
        let job = Job { script: &script.0, arguments: &[], seconds: None, limit: MAX_OUTPUT_BYTES };
        let finished = run(&self.connection, &job).await.map_err(super::run::Unfinished::into_failure)?;
        Ok(output(&finished))
    }
}

/// A script's output, for whoever judges it.
pub(super) fn output(finished: &Finished) -> CommandOutput {
    CommandOutput {
        code: finished.code,
        stdout: tail::text(&finished.stdout, finished.truncated),
        stderr: tail::text(&finished.stderr, finished.truncated),
    }
}

/// The ports of `ADDRESS:PORT` lines in hexadecimal.
fn listening_ports(addresses: &str) -> Option<Vec<u16>> {
    let port = |line: &str| u16::from_str_radix(line.rsplit_once(':')?.1, 16).ok();
    let mut ports = addresses.lines().map(port).collect::<Option<Vec<u16>>>()?;
    ports.sort_unstable();
    ports.dedup();
    Some(ports)
}

/// Two lines a module: `module` and the interpreter's exit code, then its JSON or nothing.
fn module_facts(name: &str, status: &str, answer: &str) -> Option<ModuleFacts> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct ImportReply {
        version: Option<String>,
        problem: Option<String>,
    }
    let name = name.to_owned();
    let code: i32 = status.strip_prefix("module ")?.parse().ok()?;
    if code == 0 {
        let ImportReply { version, problem } = serde_json::from_str(answer).ok()?;
        return Some(ModuleFacts { name, version, problem });
    }
    let problem = match code {
        124 | 137 => format!("the import did not end within {IMPORT_TIMEOUT_SECONDS} s"),
        signal if signal > 128 => format!("the import crashed the interpreter (signal {})", signal - 128),
        code => format!("the import ended the interpreter (exit code {code})"),
    };
    Some(ModuleFacts { name, version: None, problem: Some(problem) })
}

#[cfg(test)]
mod tests {
    use super::{listening_ports, module_facts};

    #[test]
    fn ports_are_read_from_both_tables() {
        let addresses = "0100007F:18EB\n00000000000000000000000000000000:0016\n00000000:18EB\n";
        assert_eq!(listening_ports(addresses), Some(vec![22, 6379]));
        assert_eq!(listening_ports("garbage\n"), None);
    }

    #[test]
    fn a_hanging_import_is_a_problem() {
        let hung = module_facts("a", "module 124", "").expect("facts");
        assert!(hung.problem.is_some_and(|problem| problem.contains("did not end")));
        assert_eq!(module_facts("a", "module 0", ""), None);
        assert_eq!(module_facts("a", "whatever", ""), None);
    }
}
