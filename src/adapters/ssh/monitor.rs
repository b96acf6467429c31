//! Watching a host: one script that prints a line a sample for as long as somebody reads.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openssh::{Child, ChildStderr, ChildStdout, Session, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::connection::OpenSession;
use super::reader::HostReader;
use super::run::BOOT;
use super::{classify, parse, programs};
use crate::core::Failure;
use crate::core::rollout::{AbsolutePath, SshHost};
use crate::ports::{MasterOf, MonitorRead, MonitorSample, MonitorSpec, Monitoring};

const SCRIPT: &str = include_str!("scripts/monitor.sh");

/// The interval of the samples that have PSS, in samples: for it the kernel walks through all of a process's pages.
const PSS_SAMPLE_INTERVAL: &str = "5";
/// The maximum length of a line, in bytes: a thousand workers.
const MAX_LINE_BYTES: usize = 1 << 20;
/// How much later than due a sample may be before the host counts as gone.
const SAMPLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the reason of an unexpected end is waited for.
const EXIT_REASON_TIMEOUT: Duration = Duration::from_secs(2);

/// A session that a child process of it keeps open.
#[derive(Clone)]
struct Shared(Arc<OpenSession>);

impl Deref for Shared {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0.ssh()
    }
}

/// A host being watched.
struct HostMonitoring {
    host: SshHost,
    every: Duration,
    stdout: ChildStdout,
    stderr: ChildStderr,
    /// What has come of a line that is not whole yet.
    begun: Vec<u8>,
    ended: bool,
    // Dropped, it closes its channel, and with that the script on the host ends.
    _child: Child<Shared>,
}

#[async_trait]
impl MonitorRead for HostReader {
    async fn monitor(&self, watched: &MonitorSpec) -> Result<Box<dyn Monitoring>, Failure> {
        let host = self.connection().host().clone();
        let every = watched.every.max(Duration::from_millis(100));
        let open = Shared(self.connection().session().await?);
        let mut command = Session::to_command(open, "timeout");
        let milliseconds = |duration: Duration| duration.as_millis().to_string();
        // The script looks at the clock itself; this is for one that hangs.
        let seconds = watched.at_most.as_secs().saturating_add(60).to_string();
        command.args(["-k", "5", &seconds, "sh", "-c", BOOT, "sh", &SCRIPT.len().to_string(), programs::MONITOR]);
        let (kind, master) = match &watched.master {
            MasterOf::PidFile(file) => ("pid-file", file.as_str()),
            MasterOf::Unit(unit) => ("unit", unit.as_str()),
        };
        command.args([kind, master, watched.error_log.as_ref().map_or("", AbsolutePath::as_str)]);
        command.args([&milliseconds(every), &milliseconds(watched.at_most), PSS_SAMPLE_INTERVAL]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().await.map_err(|error| classify::broken(&host, &error))?;
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(Failure::transient(format!("ssh {host}: the script's input and output could not be had")));
        };
        // A pipe that breaks here leaves the script short, which the host notices, refuses and says.
        let _ = stdin.write_all(SCRIPT.as_bytes()).await;
        let _ = stdin.shutdown().await;
        drop(stdin);
        let begun = Vec::new();
        Ok(Box::new(HostMonitoring { host, every, stdout, stderr, begun, ended: false, _child: child }))
    }
}

impl HostMonitoring {
    /// The next whole line, less its end; `None` when the output has ended. What has come stays when this is dropped.
    async fn line(&mut self) -> Option<Vec<u8>> {
        let mut looked_at = 0;
        loop {
            let end = self.begun[looked_at..].iter().position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line: Vec<u8> = self.begun.drain(..=looked_at + end).collect();
                line.pop();
                return Some(line);
            }
            looked_at = self.begun.len();
            if looked_at > MAX_LINE_BYTES || !matches!(self.stdout.read_buf(&mut self.begun).await, Ok(1..)) {
                return None;
            }
        }
    }

    /// Why the output ended before it was time.
    async fn last_words(&mut self) -> Failure {
        let mut said = Vec::new();
        let _ = timeout(EXIT_REASON_TIMEOUT, (&mut self.stderr).take(4_096).read_to_end(&mut said)).await;
        let said = String::from_utf8_lossy(&said);
        let host = &self.host;
        match said.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => {
                let failure = Failure::permanent(format!("{host}: watching: {}", line.trim()));
                failure.hint("watching takes Python 3.6 or newer on the host, and /proc")
            }
            None => Failure::transient(format!("{host}: watching ended before its time: the connection was lost")),
        }
    }
}

#[async_trait]
impl Monitoring for HostMonitoring {
    async fn next(&mut self) -> Result<Option<MonitorSample>, Failure> {
        if self.ended {
            return Ok(None);
        }
        let patience = self.every + SAMPLE_TIMEOUT;
        let Ok(line) = timeout(patience, self.line()).await else {
            let words = format!("{}: watching: no sample within {} s", self.host, patience.as_secs());
            return Err(Failure::transient(words));
        };
        let Some(line) = line else { return Err(self.last_words().await) };
        if line == b"end" {
            self.ended = true;
            return Ok(None);
        }
        let sample = serde_json::from_slice(&line);
        sample.map(Some).map_err(|error| parse::unexpected(&self.host, "watching", &error.to_string()))
    }
}
