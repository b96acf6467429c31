//! One script on a host: sent whole, run, its output read within limits, its end seen or not.

use std::sync::Arc;
use std::time::Duration;

use openssh::{Error, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use super::classify;
use super::connection::HostConnection;
use super::tail::Tail;
use crate::core::Failure;

pub(super) const BOOT: &str = include_str!("scripts/boot.sh");
/// How [`BOOT`] ends, and how it ends for a script that may start something which keeps our output open: a line on
/// standard error says that the script itself has ended, and so that all it wrote is on its way.
const END: &str = "\nexit $?\n";
const ANNOUNCED_END: &str = "\ncode=$?\necho 'migrate: the script has ended' >&2\nexit $code\n";
const ENDED: &[u8] = b"migrate: the script has ended\n";
const NOT_WHOLE: &str = "migrate: the script did not arrive whole";

/// How long the end of a script's output is waited for. A script that started something which keeps our output open (a daemon)
/// is done all the same.
const OUTPUT_CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// A script that ended.
#[derive(Debug)]
pub(super) struct Finished {
    /// Its exit code; 128 and more when a signal ended it.
    pub(super) code: i32,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// Whether the front of an output was dropped.
    pub(super) truncated: bool,
}

/// A script whose end was not seen.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It never began.
    NotBegun(Failure),
    /// It may have run, wholly or in part.
    Lost(Failure),
}

impl Unfinished {
    pub(super) fn into_failure(self) -> Failure {
        match self {
            Self::NotBegun(failure) | Self::Lost(failure) => failure,
        }
    }
}

/// What to run.
pub(super) struct Job<'a> {
    pub(super) script: &'a str,
    pub(super) arguments: &'a [&'a str],
    /// Ends the script on the host after so many seconds, whatever becomes of us.
    pub(super) seconds: Option<u64>,
    /// How many bytes of each output are kept.
    pub(super) limit: usize,
}

/// Runs a script with `sh` on the host.
pub(super) async fn run(connection: &Arc<HostConnection>, job: &Job<'_>) -> Result<Finished, Unfinished> {
    let host = connection.host();
    if job.script.contains('\0') {
        return Err(Unfinished::NotBegun(Failure::permanent("the script holds a NUL character")));
    }
    let open = connection.session().await.map_err(Unfinished::NotBegun)?;
    let seconds = job.seconds.map(|seconds| seconds.to_string());
    let mut command = match &seconds {
        Some(seconds) => {
            let mut command = open.ssh().command("timeout");
            command.args(["-k", "5", seconds, "sh"]);
            command
        }
        None => open.ssh().command("sh"),
    };
    let boot = match job.seconds {
        Some(_) => BOOT.to_owned(),
        None => BOOT.replace(END, ANNOUNCED_END),
    };
    command.args(["-c", &boot, "sh"]).arg(job.script.len().to_string()).args(job.arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let work = converse(&mut command, job);
    let ended = match job.seconds {
        // The host's own limit comes first; this one is for a host that has stopped answering.
        Some(seconds) => match tokio::time::timeout(Duration::from_secs(seconds + 20), work).await {
            Ok(ended) => ended,
            Err(_) => return Err(Unfinished::Lost(too_slow(connection, seconds))),
        },
        None => work.await,
    };
    let finished = match ended {
        Ok(finished) => finished,
        // The session request was refused (sshd's MaxSessions, a restricted account): the script never ran.
        Err(error @ Error::SshMux(_)) if source_says(&error, "refused") => {
            let hint = "the host refuses another session on the connection: see MaxSessions in its sshd_config";
            return Err(Unfinished::NotBegun(classify::broken(host, &error).hint(hint)));
        }
        Err(error @ Error::InvalidCommand) => {
            return Err(Unfinished::NotBegun(Failure::permanent(format!("ssh {host}: {error}"))));
        }
        Err(error) => return Err(Unfinished::Lost(classify::broken(host, &error))),
    };
    if matches!(finished.code, 121 | 122) && String::from_utf8_lossy(&finished.stderr).contains(NOT_WHOLE) {
        let message = format!("ssh {host}: the script did not arrive whole; nothing of it ran");
        return Err(Unfinished::NotBegun(Failure::transient(message)));
    }
    match job.seconds {
        Some(seconds) if finished.code == 124 => Err(Unfinished::Lost(too_slow(connection, seconds))),
        _ => Ok(finished),
    }
}

fn too_slow(connection: &HostConnection, seconds: u64) -> Failure {
    Failure::transient(format!("ssh {}: the host did not finish looking within {seconds} s", connection.host()))
}

fn source_says(error: &Error, word: &str) -> bool {
    std::error::Error::source(error).is_some_and(|source| source.to_string().contains(word))
}

/// Sends the script and reads what it says, to the end, before asking for its exit code: the multiplexing client lets go
/// of the connection with the exit code, sshd may send that before the last of the output, and what is still on its way
/// would be lost.
async fn converse(command: &mut openssh::OwningCommand<&openssh::Session>, job: &Job<'_>) -> Result<Finished, Error> {
    let mut child = command.spawn().await?;
    let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
    let (mut out, mut err) = (Tail::new(job.limit), Tail::new(job.limit));
    let ended = Notify::new();
    let send = async {
        if let Some(mut stdin) = stdin {
            // A pipe that breaks here leaves the script short, which the host notices and refuses.
            let _ = stdin.write_all(job.script.as_bytes()).await;
            let _ = stdin.shutdown().await;
        }
    };
    let read_out = async {
        if let Some(stdout) = stdout {
            out.read(stdout).await;
        }
    };
    let read_err = async {
        if let Some(stderr) = stderr {
            err.read_and_notice(stderr, ENDED, &ended).await;
        }
    };
    let all = async { tokio::join!(send, read_out, read_err) };
    let stragglers = async {
        ended.notified().await;
        tokio::time::sleep(OUTPUT_CLOSE_TIMEOUT).await;
    };
    tokio::select! { biased; _ = all => {}, () = stragglers => {} }
    let status = child.wait().await;
    let code = match status {
        // The crate reports the shell's "not found" as an error of its own.
        Err(Error::Remote(_)) => 127,
        // Ended by a signal: sshd then sends no code. The script runs in a subshell, so this is its sh, or timeout.
        other => other?.code().unwrap_or(255),
    };
    let ((stdout, cut), (stderr, cut_too)) = (out.finish(), err.without(ENDED).finish());
    Ok(Finished { code, stdout, stderr, truncated: cut || cut_too })
}

#[cfg(test)]
mod tests {
    use super::{ANNOUNCED_END, BOOT, END};

    #[test]
    fn a_script_that_may_leave_something_running_announces_its_end() {
        assert!(BOOT.ends_with(END) && BOOT.replace(END, ANNOUNCED_END).contains("the script has ended"));
    }
}
