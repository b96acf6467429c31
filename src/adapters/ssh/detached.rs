//! A Gunicorn of ours beside the original, on one host.

use async_trait::async_trait;
use serde_json::json;

use super::programs;
use super::reader::{HostReader, READ_TIMEOUT_SECONDS};
use super::run::{Finished, Job, Unfinished, run};
use super::writer::HostWriter;
use crate::core::rollout::AbsolutePath;
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{DetachedFacts, DetachedGunicorn, DetachedRead, DetachedWrite, WriteFailure};

const SHELL: &str = include_str!("scripts/detached.sh");

/// How much of the end of an error log is kept, in bytes.
const MAX_LOG_BYTES: usize = 16 * 1024;

/// Exit codes of the programs after which nothing runs: EX_NOINPUT, EX_UNAVAILABLE and EX_CONFIG of sysexits.h.
const NOTHING_HAPPENED: [i32; 3] = [66, 69, 78];
/// EX_TEMPFAIL: the same call may work later.
const LATER: i32 = 75;

#[async_trait]
impl DetachedRead for HostReader {
    async fn detached(
        &self,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
        variables: &[String],
    ) -> Result<Option<DetachedFacts>, Failure> {
        let what = format!("looking at the process in {directory}");
        let fixed = ["", pid_file.as_str(), programs::DETACHED_FACTS, directory.as_str(), pid_file.as_str()];
        let arguments: Vec<&str> = fixed.into_iter().chain(variables.iter().map(String::as_str)).collect();
        let answer = self.ask(&what, SHELL, &arguments, READ_TIMEOUT_SECONDS).await?;
        // What does not fit is not repeated: it may hold values of the environment.
        serde_json::from_str(&answer).map_err(|error| self.nonsense(&what, &error.to_string()))
    }
}

impl HostWriter {
    /// Runs a program to its end. No limit of time of its own: the programs have theirs.
    async fn detach(&self, what: &str, arguments: &[&str]) -> Result<(), WriteFailure> {
        let job = Job { script: SHELL, arguments, seconds: None, limit: MAX_LOG_BYTES };
        match run(self.connection(), &job).await {
            Ok(finished) => ended(&format!("{}: {what}", self.connection().host()), &finished),
            Err(Unfinished::NotBegun(failure)) => Err(WriteFailure::clean(failure)),
            Err(Unfinished::Lost(failure)) => Err(WriteFailure::unknown(failure)),
        }
    }
}

/// Whether one that runs already will do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Launch {
    /// However it runs.
    Any,
    /// Only when it runs exactly so.
    Exactly,
}

impl HostWriter {
    async fn end(&self, directory: &AbsolutePath, pid_file: &AbsolutePath) -> Result<(), WriteFailure> {
        let arguments = ["", pid_file.as_str(), programs::DETACHED_STOP, directory.as_str(), pid_file.as_str()];
        self.detach(&format!("stopping Gunicorn in {directory}"), &arguments).await
    }

    async fn launch(&self, gunicorn: &DetachedGunicorn, launch: Launch) -> Result<(), WriteFailure> {
        // Paths and numbers: nothing in here is secret. The environment is read on the host, and stays there.
        let job = json!({
            "unit": gunicorn.unit,
            "original": gunicorn.original,
            "directory": gunicorn.directory,
            "application": gunicorn.application,
            "port": gunicorn.port,
            "workers": gunicorn.workers,
            "pid_file": gunicorn.pid_file,
            "access_log": gunicorn.access_log,
            "error_log": gunicorn.error_log,
            "environment_file": gunicorn.environment_file,
            "exactly": launch == Launch::Exactly,
        })
        .to_string();
        let arguments = [gunicorn.unit.as_str(), gunicorn.pid_file.as_str(), programs::DETACHED_START, &job];
        let what = format!("starting Gunicorn in {} with {} workers", gunicorn.directory, gunicorn.workers);
        self.detach(&what, &arguments).await.map_err(|failed| WriteFailure {
            failure: Failure {
                hint: failed.failure.hint.or_else(|| {
                    Some(format!(
                        "see {} on the host; then run the phase again: it starts it again",
                        gunicorn.error_log
                    ))
                }),
                ..failed.failure
            },
            ..failed
        })
    }
}

/// How a program ended.
fn ended(what: &str, finished: &Finished) -> Result<(), WriteFailure> {
    if finished.code == 0 && finished.stdout.ends_with(b"end\n") {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&finished.stderr);
    let said = if said.trim().is_empty() { "no message" } else { said.trim() };
    let message = format!("{what}: {said} (exit code {})", finished.code);
    Err(match finished.code {
        code if NOTHING_HAPPENED.contains(&code) => WriteFailure::clean(Failure::permanent(message)),
        LATER => WriteFailure::unknown(Failure::transient(message)),
        0 => WriteFailure::unknown(Failure::transient(format!("{what}: the host's answer broke off before its end"))),
        _ => WriteFailure::unknown(Failure::permanent(message)),
    })
}

#[async_trait]
impl DetachedWrite for HostWriter {
    async fn start_detached(&self, _: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.launch(gunicorn, Launch::Any).await
    }

    async fn restart_detached(&self, _: &ApplyPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.launch(gunicorn, Launch::Exactly).await
    }

    async fn revert_detached(&self, _: &UndoPermit, gunicorn: &DetachedGunicorn) -> Result<(), WriteFailure> {
        self.launch(gunicorn, Launch::Exactly).await
    }

    async fn end_detached(
        &self,
        _: &ApplyPermit,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure> {
        self.end(directory, pid_file).await
    }

    async fn stop_detached(
        &self,
        _: &UndoPermit,
        directory: &AbsolutePath,
        pid_file: &AbsolutePath,
    ) -> Result<(), WriteFailure> {
        self.end(directory, pid_file).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Finished, ended};
    use crate::core::{FailureClass, Outcome};

    fn finished(code: i32, stdout: &str) -> Finished {
        Finished { code, stdout: stdout.into(), stderr: b"port 8081 is in use\n".to_vec(), truncated: false }
    }

    #[test]
    fn what_a_program_left_behind_is_known_by_its_code() {
        assert!(ended("x", &finished(0, "started\nend\n")).is_ok());
        let failed = |code| ended("x", &finished(code, "")).expect_err("it failed");
        assert_eq!((failed(69).outcome, failed(69).failure.class), (Outcome::Clean, FailureClass::Permanent));
        assert!(failed(69).failure.message.contains("port 8081 is in use"), "{}", failed(69));
        assert_eq!((failed(70).outcome, failed(70).failure.class), (Outcome::Unknown, FailureClass::Permanent));
        assert_eq!((failed(75).outcome, failed(75).failure.class), (Outcome::Unknown, FailureClass::Transient));
        assert_eq!((failed(0).outcome, failed(0).failure.class), (Outcome::Unknown, FailureClass::Transient));
        assert_eq!(failed(137).outcome, Outcome::Unknown);
    }
}
