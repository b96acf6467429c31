//! Processes that never outlive the benchmark: neither its end, nor a panic, nor a signal.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::descendants::{all, descendants};

/// What a signal has to clear away. Whatever ends by itself takes itself out.
#[derive(Default)]
struct Left {
    processes: Vec<u32>,
    directories: Vec<PathBuf>,
}

static LEFT: Mutex<Left> = Mutex::new(Left { processes: Vec::new(), directories: Vec::new() });
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Nobody starts anything more once a signal has come.
fn left() -> MutexGuard<'static, Left> {
    let left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    if IS_ENDING.load(Ordering::SeqCst) {
        drop(left);
        wait_for_the_end();
    }
    left
}

fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

/// On SIGINT and SIGTERM everything that was started is killed, what was written is removed, and the program ends.
pub fn end_on_signals() {
    let panics = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what| {
        // Something that failed because Ctrl-C ended it is not what there is to say; the thread below may need a moment.
        std::thread::sleep(Duration::from_millis(100));
        if IS_ENDING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        panics(what);
    }));
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
            tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = terminate.recv() => {} }
        });
        let Left { processes, directories } = {
            let mut left = left();
            IS_ENDING.store(true, Ordering::SeqCst);
            std::mem::take(&mut *left)
        };
        // The newest first: a client before the server that it talks to.
        processes.iter().rev().for_each(|id| kill_with_descendants(*id));
        for directory in directories {
            kill_all(&naming(&directory));
            let _ = std::fs::remove_dir_all(directory);
        }
        std::process::exit(130);
    });
}

/// A directory that is removed at the end, after what names it on its command line has ended: ssh masters are nobody's
/// children.
pub struct Directory(tempfile::TempDir);

impl Directory {
    pub fn new(parent: &Path) -> Self {
        std::fs::create_dir_all(parent).unwrap();
        let mut left = left();
        let made = tempfile::Builder::new().prefix("mb-").tempdir_in(parent).unwrap();
        left.directories.push(made.path().to_owned());
        Self(made)
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !naming(self.path()).is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        kill_all(&naming(self.path()));
        left().directories.retain(|directory| directory != self.0.path());
    }
}

/// A process; killed with everything below it when dropped.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it in a process group of its own: Ctrl-C is ours to pass on, for a killed sshd leaves its sessions.
    /// What it says is added to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let append = || -> File { OpenOptions::new().create(true).append(true).open(log).unwrap() };
        command.stdin(Stdio::null()).stdout(append()).stderr(append()).process_group(0);
        let mut left = left();
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        left.processes.push(child.id());
        Self { child }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            kill_with_descendants(self.child.id());
            let _ = self.child.wait();
        }
        left().processes.retain(|id| *id != self.child.id());
    }
}

/// Runs a command that ends soon and has to succeed.
pub fn run(command: &mut Command, package: &str) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{name} cannot be started ({error}): install it with `apt install {package}`"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The processes with this path on their command line, less this one.
pub fn naming(path: &Path) -> Vec<u32> {
    let path = path.display().to_string();
    let names = |id: &u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        *id != std::process::id() && String::from_utf8_lossy(&line).contains(&path)
    };
    all().filter(names).collect()
}

fn kill_all(ids: &[u32]) {
    for id in ids {
        let _ = Command::new("kill").args(["-9", &id.to_string()]).stderr(Stdio::null()).status();
    }
}

/// Ends a process before those below it, so that it starts no more of them.
fn kill_with_descendants(id: u32) {
    let below = descendants(id);
    kill_all(&[id]);
    kill_all(&below);
}
