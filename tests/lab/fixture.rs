//! One lab, and the commands to drive it.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::said::{Running, Said};

/// How often a test looks at what it waits for.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// The exit code of a command whose measurement was not enough for a verdict.
const INCONCLUSIVE: i32 = 6;
/// How often an inconclusive command is run.
const ATTEMPTS: u32 = 4;
/// The lab's own phases, when a test has changed some: a directory in the lab's.
pub const PHASES: &str = "phases";

/// A lab that is up. It ends when this is dropped, and also when the test's process is killed.
pub struct Lab {
    directory: tempfile::TempDir,
    /// How many commands have written a screen.
    screens: Cell<u32>,
}

/// A command of the lab.
pub fn command() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/lab"))
}

impl Lab {
    /// Starts a lab whose store takes two seconds to create.
    pub fn up() -> Self {
        let lab = Self { directory: tempfile::tempdir().unwrap(), screens: Cell::new(0) };
        // Of an earlier run.
        let _ = std::fs::remove_dir_all(failure_directory());
        let owner = std::process::id().to_string();
        lab.control(&["up", "--owner", &owner, "--save", failure_directory().to_str().unwrap()]);
        lab.control(&["settings", "slow_creating_seconds=2", "deleting_seconds=1", "in_use_seconds=1"]);
        std::fs::create_dir(lab.path().join("screen")).unwrap();
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

    /// Runs `migrate` to its end.
    pub fn migrate(&self, arguments: &[&str]) -> Said {
        self.start(arguments).wait()
    }

    /// Runs `migrate` to its end, and again while it is inconclusive: on a busy machine a measurement may need more than one
    /// attempt. Says so.
    pub fn conclude(&self, arguments: &[&str]) -> Said {
        for attempt in 1..ATTEMPTS {
            let said = self.migrate(arguments);
            if said.code != INCONCLUSIVE {
                return said;
            }
            log_attempt(arguments, attempt, &said);
        }
        self.migrate(arguments)
    }

    /// Starts `migrate` on the operator's machine, with the lab's rollout, and leaves it running.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut migrate = self.enter(env!("CARGO_BIN_EXE_migrate"));
        migrate.arg("--rollout").arg(self.path().join("rollout.yaml")).args(arguments);
        if self.path().join(PHASES).is_dir() {
            migrate.arg("--phases").arg(self.path().join(PHASES));
        }
        Running::start(migrate, self.next_screen(arguments))
    }

    /// The files, without extension, that the next command writes its screen to.
    fn next_screen(&self, arguments: &[&str]) -> PathBuf {
        self.screens.set(self.screens.get() + 1);
        let words: Vec<&str> = arguments.iter().copied().filter(|word| !word.contains('/')).collect();
        self.path().join(format!("screen/{:02}-{}", self.screens.get(), words.join("-").replace(['.', ' '], "-")))
    }

    /// Starts `migrate` and waits until its journal says `event` of `step` once more than before. Starts it again when it was
    /// inconclusive before that.
    pub fn start_until(&self, arguments: &[&str], event: &str, step: &str) -> Running {
        let wanted = format!("\"type\":\"{event}\",\"data\":{{\"step\":\"{step}\"");
        let before = self.journal().matches(&wanted).count();
        for attempt in 1..=ATTEMPTS {
            let mut running = self.start(arguments);
            let mut ended = false;
            wait_until(&format!("{event} of {step}"), Duration::from_secs(300), || {
                ended = running.has_ended();
                ended || self.journal().matches(&wanted).count() > before
            });
            if self.journal().matches(&wanted).count() > before {
                return running;
            }
            let said = running.wait();
            assert_eq!(said.code, INCONCLUSIVE, "ended before {event} of {step}: {said:?}");
            log_attempt(arguments, attempt, &said);
        }
        panic!("inconclusive {ATTEMPTS} times before {event} of {step}");
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
        let mut down = command();
        down.args(["down", "--dir"]).arg(self.directory.path());
        if std::thread::panicking() {
            let directory = failure_directory();
            down.arg("--save").arg(&directory);
            eprintln!("logs, journal and screens of the lab: {}", directory.display());
        }
        // The reason of a failure must not be hidden by a second one.
        let _ = down.output();
    }
}

/// Where the lab of a failed test keeps its logs, journal and screens.
fn failure_directory() -> PathBuf {
    let name = std::env::var("NEXTEST_TEST_NAME").ok();
    let name = name.or_else(|| std::thread::current().name().map(str::to_owned)).unwrap_or_else(|| "lab".to_owned());
    let root = std::env::var_os("LAB_FAILURES")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("lab-failures"), PathBuf::from);
    // A second attempt leaves the records of the first alone.
    let attempt = std::env::var("NEXTEST_ATTEMPT").ok().filter(|attempt| attempt != "1");
    let attempt = attempt.map(|attempt| format!(".attempt-{attempt}")).unwrap_or_default();
    root.join(format!("{}{attempt}", name.replace("::", ".")))
}

/// Says in the test's output that a command is run again, and why.
fn log_attempt(arguments: &[&str], attempt: u32, said: &Said) {
    let why = said.stderr.lines().rfind(|line| line.starts_with("waiting:")).unwrap_or("no reason given");
    eprintln!("the machine may be busy: attempt {attempt} of {ATTEMPTS} of `migrate {}`: {why}", arguments.join(" "));
}

/// Polls until `condition` holds, and fails the test when it does not in time.
#[track_caller]
pub fn wait_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {} s: {what}", timeout.as_secs());
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The Python of the lab's cloud, which has boto3.
fn cloud_python() -> String {
    let script = "import sys; sys.path.insert(0, 'lab'); sys.dont_write_bytecode = True\n\
                  from command import setup; print(setup.virtualenv('cloud') / 'bin/python')";
    let output = Command::new("/usr/bin/python3").args(["-c", script]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}
