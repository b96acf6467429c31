//! Cutting a host's path to the store, and restoring it: `scripts/path_cut.sh` says how.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::connection::HostConnection;
use super::parse;
use super::reader::HostReader;
use super::run::{Finished, Job, Unfinished, run};
use super::writer::HostWriter;
use crate::core::rollout::{Name, SshHost};
use crate::core::{ApplyPermit, Failure, UndoPermit};
use crate::ports::{CutState, PathCut, PathRead, PathWrite, WriteFailure};

/// How long each command may take on the host, in seconds: resolving a name is the slowest part.
const COMMAND_TIMEOUT_SECONDS: u64 = 60;
/// The maximum size of a reply, in bytes.
const MAX_REPLY_BYTES: usize = 1 << 16;
/// How the script ends when it refuses, EX_NOPERM of sysexits.h. Nothing has happened then.
const REFUSED: i32 = 77;

#[async_trait]
impl PathRead for HostReader {
    async fn path_cut(&self, rollout: &Name) -> Result<CutState, Failure> {
        let what = "looking at the path to the store";
        let arguments = [rollout.as_str()];
        let script = include_str!("scripts/path_cut_state.sh");
        let job = Job { script, arguments: &arguments, seconds: Some(COMMAND_TIMEOUT_SECONDS), limit: MAX_REPLY_BYTES };
        let finished = run(self.connection(), &job).await.map_err(Unfinished::into_failure)?;
        let host = self.connection().host();
        let answer = parse::text(host, what, parse::body(host, what, &finished)?)?;
        state(answer.trim_end()).ok_or_else(|| parse::unexpected(host, what, answer))
    }
}

fn state(answer: &str) -> Option<CutState> {
    let (word, rest) = answer.split_once(' ').unwrap_or((answer, ""));
    let milliseconds = || rest.parse::<u64>().ok()?.checked_mul(1_000);
    Some(match word {
        "whole" => CutState::Whole,
        "armed" => CutState::Armed { begins_in_ms: milliseconds()? },
        "cut" => CutState::Cut { remaining_ms: milliseconds()? },
        "healed" => CutState::Healed,
        "failed" => CutState::Failed { why: rest.to_owned() },
        _ => return None,
    })
}

#[async_trait]
impl PathWrite for HostWriter {
    async fn cut_path(&self, _: &ApplyPermit, cut: &PathCut) -> Result<(), WriteFailure> {
        let (begins, lasts) = (seconds(cut.begins_after), seconds(cut.lasts));
        let arguments = [cut.rollout.as_str(), cut.endpoint.host.as_str(), &begins, &lasts];
        let what = format!("cutting the path to {}", cut.endpoint);
        let finished = write(self.connection(), include_str!("scripts/path_cut.sh"), &arguments).await?;
        if finished.code == REFUSED {
            return Err(WriteFailure::clean(refusal(self.connection().host(), &what, &finished)));
        }
        whole_answer(self.connection(), &what, &finished)
    }

    async fn restore_path(&self, _: &UndoPermit, rollout: &Name) -> Result<(), WriteFailure> {
        let finished = write(self.connection(), include_str!("scripts/path_restore.sh"), &[rollout.as_str()]).await?;
        whole_answer(self.connection(), "restoring the path to the store", &finished)
    }
}

async fn write(connection: &Arc<HostConnection>, script: &str, arguments: &[&str]) -> Result<Finished, WriteFailure> {
    let job = Job { script, arguments, seconds: Some(COMMAND_TIMEOUT_SECONDS), limit: MAX_REPLY_BYTES };
    run(connection, &job).await.map_err(|unfinished| match unfinished {
        Unfinished::NotBegun(failure) => WriteFailure::clean(failure),
        Unfinished::Lost(failure) => WriteFailure::unknown(failure),
    })
}

fn whole_answer(connection: &HostConnection, what: &str, finished: &Finished) -> Result<(), WriteFailure> {
    parse::body(connection.host(), what, finished).map(|_| ()).map_err(WriteFailure::unknown)
}

fn refusal(host: &SshHost, what: &str, finished: &Finished) -> Failure {
    let said = String::from_utf8_lossy(&finished.stderr);
    let why = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").trim().to_owned();
    let hint = if why.contains("not allowed") {
        "allow it for the drill, for example by a line in /etc/sudoers.d: \
         `ec2-user ALL=(root) NOPASSWD: /usr/sbin/ip route *`; then run the phase again"
    } else if why.contains("a mark of a cut") {
        "another drill of this rollout is running, or was left behind: `migrate rollback` removes it"
    } else {
        "put that right on the host, then run the phase again"
    };
    Failure::permanent(format!("{host}: {what}: {why}")).hint(hint)
}

/// Whole seconds, rounded up.
fn seconds(duration: Duration) -> String {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CutState, seconds, state};

    #[test]
    fn every_state_is_read_and_nothing_else() {
        assert_eq!(state("whole"), Some(CutState::Whole));
        assert_eq!(state("armed 7"), Some(CutState::Armed { begins_in_ms: 7_000 }));
        assert_eq!(state("cut 0"), Some(CutState::Cut { remaining_ms: 0 }));
        assert_eq!(state("healed"), Some(CutState::Healed));
        assert_eq!(state("failed sudo: no"), Some(CutState::Failed { why: "sudo: no".into() }));
        assert_eq!((state(""), state("cut"), state("armed soon")), (None, None, None));
    }

    #[test]
    fn a_cut_is_never_shorter_than_asked_for() {
        assert_eq!((seconds(Duration::from_secs(2)), seconds(Duration::from_millis(2_001))), ("2".into(), "3".into()));
    }
}
