//! What a command said, and a command that is still running.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Upper bound for one `migrate`: the longest phase in the lab takes a few minutes on a busy machine.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a test looks whether a command has ended: signals are timed to less than a second.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// What a finished command said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        use std::os::unix::process::ExitStatusExt;
        Self {
            code: status.code().unwrap_or_else(|| -status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
        }
    }

    /// The JSON document on its standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails the test with the whole output unless the exit code is the expected one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code; {self:?}");
        self
    }

    /// Standard output and standard error together.
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl std::fmt::Debug for Said {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "exit {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self::new(output.status, &output.stdout, &output.stderr)
    }
}

/// A command that runs, and writes its screen into two files: they are still there when the test is killed.
pub struct Running {
    child: Child,
    screen: PathBuf,
}

impl Running {
    /// Starts `command`; its output goes to `screen` with the extensions `stdout` and `stderr`.
    pub fn start(mut command: Command, screen: PathBuf) -> Self {
        let file = |extension| File::create(screen.with_extension(extension)).unwrap();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Self { child, screen }
    }

    /// Waits for the command to end. After ten minutes it is interrupted, so that it says where it was.
    pub fn wait(mut self) -> Said {
        let deadline = Instant::now() + COMMAND_TIMEOUT;
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(POLL_INTERVAL);
        }
        if !self.has_ended() {
            self.signal("INT");
        }
        let status = self.child.wait().unwrap();
        let file = |extension| std::fs::read(self.screen.with_extension(extension)).unwrap();
        Said::new(status, &file("stdout"), &file("stderr"))
    }

    /// Whether the command has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends a signal, such as `KILL`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Kills the command and waits for its end.
    pub fn kill(self) -> Said {
        self.signal("KILL");
        self.wait()
    }
}

/// Sends a signal to a process that this test started.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}
