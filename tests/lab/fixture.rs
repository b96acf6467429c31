//! One lab, and the commands to drive it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::turns::Place;

/// A lab that is up; it ends when this is dropped.
pub struct Lab {
    directory: tempfile::TempDir,
    /// Given back after the lab has ended.
    _place: Option<Place>,
}

/// What a finished `migrate` said.
pub struct Said {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    /// The JSON document it printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails the test with everything that was said unless the exit code is the expected one.
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
        use std::os::unix::process::ExitStatusExt;
        Self {
            code: output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0)),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A command of the lab.
pub fn command() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/lab"))
}

impl Lab {
    /// Starts a lab whose store takes two seconds to create.
    pub fn up() -> Self {
        let place = Place::take();
        let lab = Self { directory: tempfile::tempdir().unwrap(), _place: place };
        lab.control(&["up"]);
        lab.control(&["settings", "slow_creating_seconds=2", "deleting_seconds=1", "in_use_seconds=1"]);
        lab
    }

    /// Where it keeps its files.
    pub fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Runs a command of the lab; what it printed.
    pub fn control(&self, arguments: &[&str]) -> String {
        let output = command().args(&arguments[..1]).arg("--dir").arg(self.path()).args(&arguments[1..]).output();
        let said = Said::from(output.unwrap());
        assert_eq!(said.code, 0, "lab {arguments:?}: {said:?}");
        said.stdout
    }

    /// A command on the operator's machine of the lab.
    pub fn enter(&self, program: &str) -> Command {
        let mut entered = command();
        entered.arg("enter").arg("--dir").arg(self.path()).args(["--", program]);
        entered.stdin(Stdio::null());
        entered
    }

    /// `migrate`, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut migrate = self.enter(env!("CARGO_BIN_EXE_migrate"));
        migrate.arg("--rollout").arg(self.path().join("rollout.yaml")).args(arguments);
        migrate
    }

    /// Runs `migrate` to its end, which has to come within a quarter of an hour.
    pub fn migrate(&self, arguments: &[&str]) -> Said {
        let mut limited = self.enter("timeout");
        limited.args(["-s", "INT", "900", env!("CARGO_BIN_EXE_migrate"), "--rollout"]);
        limited.arg(self.path().join("rollout.yaml")).args(arguments).output().unwrap().into()
    }

    /// Starts `migrate` and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts `migrate` and waits until its journal says `event` of `step` once more than before.
    pub fn start_until(&self, arguments: &[&str], event: &str, step: &str) -> Child {
        let wanted = format!("\"type\":\"{event}\",\"data\":{{\"step\":\"{step}\"");
        let before = self.journal().matches(&wanted).count();
        let mut child = self.start(arguments);
        // A comparison before it takes minutes on a busy machine.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(900);
        while self.journal().matches(&wanted).count() <= before {
            assert!(std::time::Instant::now() < deadline, "{event} of {step} never came");
            if child.try_wait().unwrap().is_some() {
                let said = Said::from(child.wait_with_output().unwrap());
                panic!("ended before {event} of {step}: {said:?}");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        child
    }

    /// The journal as it is now.
    pub fn journal(&self) -> String {
        std::fs::read_to_string(self.path().join(".migrate/journal.jsonl")).unwrap_or_default()
    }

    /// Runs a Python program as the account's administrator, past the operator's policy, with `cloud` at hand: a
    /// function that makes a boto3 client.
    pub fn administrator(&self, program: &str) -> String {
        let python = self.control(&["enter", "--", "sh", "-c", "echo ok"]);
        assert_eq!(python.trim(), "ok");
        let prelude = "import boto3, os\ndef cloud(name):\n    return boto3.client(name, region_name='us-east-2', \
                       endpoint_url=os.environ['AWS_ENDPOINT_URL'], aws_access_key_id='test', aws_secret_access_key='test')\n";
        let mut entered = self.enter(&cloud_python());
        let said = Said::from(entered.args(["-c", &format!("{prelude}{program}")]).output().unwrap());
        assert_eq!(said.code, 0, "{said:?}");
        said.stdout
    }

    /// How often an action had an effect in the cloud.
    pub fn effects(&self, action: &str) -> usize {
        let calls: Value = serde_json::from_str(&self.control(&["calls", "--json", "--action", action])).unwrap();
        let calls = calls.as_array().or_else(|| calls["calls"].as_array()).unwrap().clone();
        calls
            .iter()
            .filter(|call| call["dry_run"] == false && (call["outcome"] == "ok" || call["effect"] == "ok"))
            .count()
    }

    /// Fails the test when anything is left in the cloud that the lab did not put there.
    pub fn assert_nothing_left(&self) {
        self.control(&["resources", "--check-none"]);
    }

    /// Fails the test unless each thing of phase 1 was made exactly once.
    pub fn assert_made_once(&self) {
        for action in ["CreateReplicationGroup", "CreateCacheSubnetGroup", "CreateSecurityGroup"] {
            assert_eq!(self.effects(action), 1, "{action}: {}", self.control(&["calls", "--json"]));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Dropped while failing too; the reason of the failure must not be hidden by a second one.
        let _ = command().args(["down", "--dir"]).arg(self.directory.path()).output();
    }
}

/// The Python of the lab's cloud, which has boto3.
fn cloud_python() -> String {
    let script = "import sys; sys.path.insert(0, 'lab'); sys.dont_write_bytecode = True\n\
                  from command import setup; print(setup.virtualenv('cloud') / 'bin/python')";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

/// Sends a signal to a process we started.
pub fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
}
