//! A Gunicorn of ours beside the original, on a host of our own: started from how the original runs, seen, ended.
//!
//! The Gunicorn is a small one in Python that takes the real one's options and forks workers as it does; with the real
//! one the same is done in the lab.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use migrate::core::rollout::AbsolutePath;
use migrate::core::{FailureClass, Outcome};
use migrate::ports::{DetachedFacts, DetachedGunicorn, TargetWrite, TargetsWrite, WritableTarget, WriteFailure};

use crate::support::permits;
use crate::support::process::free_port;
use crate::support::sshd::Sshd;

const GUNICORN: &str = include_str!("support/gunicorn.py");
const SECRET: &str = "do-not-tell-anybody";

struct Site {
    sshd: Sshd,
    original: Child,
    gunicorn: DetachedGunicorn,
    writer: Arc<dyn TargetWrite>,
}

fn absolute(path: &Path) -> AbsolutePath {
    path.to_str().expect("UTF-8").parse().expect("a path")
}

impl Site {
    fn start() -> Self {
        Self::with(&[])
    }

    /// With further options on the original's command line.
    fn with(options: &[&str]) -> Self {
        let sshd = Sshd::start();
        let (original, copy) = (sshd.path("App"), sshd.path("App-copy"));
        let program = sshd.path("env/bin/gunicorn");
        for directory in [&original, &copy.join(".migrate"), &sshd.path("env/bin"), &sshd.path("env/gunicorn")] {
            fs::create_dir_all(directory).expect("a directory");
        }
        fs::write(&program, "import gunicorn\ngunicorn.main()\n").expect("a program");
        fs::write(sshd.path("env/gunicorn/__init__.py"), GUNICORN).expect("a package");
        fs::write(sshd.path("env/gunicorn/config.py"), "from gunicorn import Config\n").expect("a module");
        fs::write(copy.join(".migrate/environment"), "COLOR=red\nSPACED=a = b \n").expect("an environment");
        fs::write(copy.join("migrate_wsgi.py"), "").expect("an entry");
        let port = free_port();
        let child = Command::new("/usr/bin/python3")
            .arg(&program)
            .args(["--bind", &format!("127.0.0.1:{port}"), "--config"])
            .arg(original.join("gunicorn.conf.py"))
            .args(options)
            .arg("run:app")
            .current_dir(&original)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("COLOR", "blue"), ("SECRET_KEY", SECRET), ("NOTIFY_SOCKET", "/none")])
            .env("PYTHONPATH", sshd.path("env"))
            .env("UPLOADS", original.join("uploads"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("an original");
        let systemctl = format!("#!/bin/sh\necho MainPID={}\n", child.id());
        sshd.install("systemctl", &systemctl);
        let own = |name: &str| absolute(&copy.join(".migrate").join(name));
        let gunicorn = DetachedGunicorn {
            unit: "app.service".into(),
            original: absolute(&original),
            directory: absolute(&copy),
            application: Some("migrate_wsgi:app".into()),
            port: free_port().try_into().expect("a port"),
            workers: 3,
            pid_file: own("gunicorn.pid"),
            access_log: own("access.log"),
            error_log: own("error.log"),
            environment_file: own("environment"),
        };
        let writer = sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()));
        let site = Self { sshd, original: child, gunicorn, writer };
        // Its interpreter has to be up, or its command line is still this test's.
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the original does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        site
    }

    async fn begin(&self) -> Result<(), WriteFailure> {
        self.writer.start_detached(&permits::apply(), &self.gunicorn).await
    }

    async fn end(&self) -> Result<(), WriteFailure> {
        self.writer.stop_detached(&permits::undo(), &self.gunicorn.directory, &self.gunicorn.pid_file).await
    }

    async fn look(&self) -> Option<DetachedFacts> {
        let names = ["COLOR", "SPACED", "UPLOADS", "MIGRATE_WSGI_APP", "NOTIFY_SOCKET", "NOPE"].map(str::to_owned);
        let reader = self.sshd.reader();
        reader.detached(&self.gunicorn.directory, &self.gunicorn.pid_file, &names).await.expect("facts")
    }

    fn pid_file(&self) -> PathBuf {
        PathBuf::from(self.gunicorn.pid_file.as_str())
    }

    fn is_taken(&self) -> bool {
        std::net::TcpStream::connect(("127.0.0.1", self.gunicorn.port.number())).is_ok()
    }

    /// Makes the copy's Gunicorn do something else.
    fn entry(&self, text: &str) {
        fs::write(format!("{}/migrate_wsgi.py", self.gunicorn.directory), text).expect("an entry");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.original.kill();
        let _ = self.original.wait();
        // Whatever a failed test has left of the copy.
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let directory = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            if directory == Path::new(self.gunicorn.directory.as_str()) {
                let _ = Command::new("kill").args(["-9", &entry.file_name().to_string_lossy()]).status();
            }
        }
    }
}

fn exists(pid: u32) -> bool {
    // A zombie has no directory any more.
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok()
}

#[tokio::test]
async fn it_runs_as_the_original_does_but_for_what_is_its_own() {
    let site = Site::start();
    assert_eq!(site.look().await, None);
    site.begin().await.expect("started");
    let copy = site.look().await.expect("it runs");
    let own = &site.gunicorn;
    assert_eq!(copy.directory, own.directory.as_str());
    assert_eq!(copy.workers.len(), 3, "{copy:?}");
    assert_eq!(copy.listening, [format!("127.0.0.1:{}", own.port)]);
    assert!(copy.executable.contains("python3"), "{}", copy.executable);
    assert_eq!(copy.command_line.last(), own.application.as_ref());
    let bound = copy.command_line.iter().filter(|word| *word == "--bind").count();
    assert_eq!(bound, 1, "the original's own address is left out: {:?}", copy.command_line);
    assert!(copy.command_line.contains(&format!("{}/gunicorn.conf.py", own.directory)), "{:?}", copy.command_line);
    let variable = |name: &str| copy.environment.get(name).map(String::as_str);
    assert_eq!((variable("COLOR"), variable("SPACED")), (Some("red"), Some("a = b ")));
    assert_eq!(variable("UPLOADS"), Some(format!("{}/uploads", own.directory).as_str()));
    assert_eq!(
        (variable("MIGRATE_WSGI_APP"), variable("NOTIFY_SOCKET"), variable("NOPE")),
        (Some("run:app"), None, None)
    );
    assert!(!format!("{copy:?}").contains(SECRET), "what was not asked for is not told");
    assert_eq!(copy.written_files, [own.error_log.to_string()], "regular files, and only those it may write");
    let pid: u32 = fs::read_to_string(site.pid_file()).expect("a pid file").trim().parse().expect("a number");
    assert_eq!(pid, copy.master.pid);

    site.begin().await.expect("it runs already");
    assert_eq!(site.look().await.as_ref(), Some(&copy), "and was not started twice");

    site.end().await.expect("stopped");
    assert_eq!(site.look().await, None);
    assert!(!site.is_taken() && !site.pid_file().exists());
    assert!(!copy.workers.iter().any(|worker| exists(worker.pid)));
    assert!(exists(site.original.id()), "the original runs on");
    site.end().await.expect("it does not run");
}

#[tokio::test]
async fn one_that_does_not_start_leaves_nothing_and_says_what_it_logged() {
    let site = Site::start();
    site.entry("import os\nraise RuntimeError('no module named redis, ' + os.environ['SECRET_KEY'])\n");
    let failed = site.begin().await.expect_err("it cannot be loaded");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
    assert!(failed.failure.message.contains("RuntimeError: no module named redis, [redacted]"), "{failed}");
    assert!(!format!("{failed:?}").contains(SECRET), "{failed}");
    assert!(failed.failure.hint.is_some());
    assert_eq!(site.look().await, None);
    assert!(!site.is_taken() && !site.pid_file().exists());
    site.entry("");
    site.begin().await.expect("started");
}

#[tokio::test]
async fn what_cannot_be_derived_from_the_original_is_refused() {
    let refused = |failed: &WriteFailure, words: &str| {
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
        assert!(failed.failure.message.contains(words), "{words}: {failed}");
    };
    let mut site = Site::start();
    let taken = std::net::TcpListener::bind(("127.0.0.1", site.gunicorn.port.number())).expect("the port");
    refused(&site.begin().await.expect_err("the port is taken"), "is in use by another process");
    drop(taken);
    let environment = PathBuf::from(site.gunicorn.environment_file.as_str());
    fs::write(&environment, "COLOR=red\nnot a variable\n").expect("an environment");
    refused(&site.begin().await.expect_err("a bad line"), "line 2 of the copy's environment file");
    fs::remove_file(&environment).expect("remove");
    refused(&site.begin().await.expect_err("no file"), "environment file cannot be read");
    fs::write(&environment, "").expect("an environment");
    site.gunicorn.original = absolute(&site.sshd.path("Elsewhere"));
    refused(&site.begin().await.expect_err("another directory"), "app.service runs in ");
    site.gunicorn.original = absolute(&site.sshd.path("App"));
    let other = site.sshd.server_id();
    site.sshd.install("systemctl", &format!("#!/bin/sh\necho MainPID={other}\n"));
    refused(&site.begin().await.expect_err("an sshd"), "is not Gunicorn");
    site.sshd.install("systemctl", "#!/bin/sh\necho MainPID=0\n");
    refused(&site.begin().await.expect_err("stopped"), "app.service does not run");
    assert_eq!(site.look().await, None);
}

#[tokio::test]
async fn it_runs_with_other_settings_in_one_write_and_only_when_it_has_to() {
    let mut site = Site::start();
    let restart = async |site: &Site| site.writer.restart_detached(&permits::apply(), &site.gunicorn).await;
    restart(&site).await.expect("started, though nothing ran");
    let three = site.look().await.expect("it runs");
    restart(&site).await.expect("as it is");
    assert_eq!(site.look().await.map(|copy| copy.master), Some(three.master), "it ran so already");

    site.gunicorn.workers = 2;
    restart(&site).await.expect("started anew");
    let two = site.look().await.expect("it runs");
    assert!(!exists(three.master.pid) && two.command_line.windows(2).any(|pair| pair == ["--workers", "2"]));
    fs::write(site.gunicorn.environment_file.as_str(), "COLOR=green\n").expect("an environment");
    site.writer.revert_detached(&permits::undo(), &site.gunicorn).await.expect("started with other variables");
    let green = site.look().await.expect("it runs");
    assert_eq!(green.environment.get("COLOR").map(String::as_str), Some("green"));
    site.writer.revert_detached(&permits::undo(), &site.gunicorn).await.expect("as it is");
    assert_eq!(site.look().await.map(|copy| copy.master), Some(green.master));

    // What is refused is refused before anything is stopped.
    fs::write(site.gunicorn.environment_file.as_str(), "not a variable\n").expect("an environment");
    let failed = restart(&site).await.expect_err("a bad line");
    assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
    assert_eq!(site.look().await.map(|copy| copy.master), Some(green.master));
    // One that was stopped for another that does not start is no longer as it was.
    fs::write(site.gunicorn.environment_file.as_str(), "COLOR=blue\n").expect("an environment");
    site.entry("raise RuntimeError('no room')\n");
    let failed = restart(&site).await.expect_err("it cannot be loaded");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Unknown, FailureClass::Permanent), "{failed}");
    assert_eq!(site.look().await, None);
    site.entry("");
    restart(&site).await.expect("the same call, again");
    site.end().await.expect("stopped");
}

#[tokio::test]
async fn a_pid_file_is_not_believed() {
    let site = Site::start();
    let bystander = Command::new("sleep").arg("60").spawn().expect("a process");
    // Somebody else's number, also of one that happens to be in our directory.
    let mut neighbour = Command::new("sleep");
    let neighbour = neighbour.arg("60").current_dir(site.gunicorn.directory.as_str()).spawn().expect("a process");
    for (pid, child) in [(bystander.id(), bystander), (neighbour.id(), neighbour)] {
        fs::write(site.pid_file(), format!("{pid}\n")).expect("a pid file");
        assert_eq!(site.look().await, None);
        site.end().await.expect("nothing to stop");
        assert!(exists(pid), "not ours, and so not ended");
        fs::write(site.pid_file(), format!("{pid}\n")).expect("a pid file");
        site.begin().await.expect("started all the same");
        assert!(site.look().await.is_some_and(|copy| copy.master.pid != pid));
        site.end().await.expect("stopped");
        let mut child = child;
        child.kill().expect("kill");
        child.wait().expect("ended");
    }
}

#[tokio::test]
async fn one_whose_pid_file_is_gone_is_found_and_replaced() {
    let site = Site::start();
    site.begin().await.expect("started");
    let before = site.look().await.expect("it runs");
    fs::remove_file(site.pid_file()).expect("remove");
    assert_eq!(site.look().await.map(|copy| copy.master), Some(before.master));
    site.begin().await.expect("started anew");
    assert!(!exists(before.master.pid));
    let after = site.look().await.expect("it runs");
    assert_ne!(after.master, before.master);
    fs::remove_file(site.pid_file()).expect("remove");
    site.end().await.expect("stopped");
    assert!(!exists(after.master.pid) && !site.is_taken());
}

#[tokio::test]
async fn one_that_ignores_being_asked_is_ended_by_force() {
    let site = Site::start();
    site.entry("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nSTUBBORN = True\n");
    site.begin().await.expect("started");
    let copy = site.look().await.expect("it runs");
    let started = Instant::now();
    site.end().await.expect("stopped");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(!copy.workers.iter().any(|worker| exists(worker.pid)) && !site.is_taken());
}

#[tokio::test]
async fn a_file_of_the_original_that_it_writes_is_seen() {
    let site = Site::start();
    let log = format!("{}/error.log", site.gunicorn.original);
    site.entry(&format!("LOG = open('{log}', 'a')\nREAD = open('/etc/passwd')\n"));
    site.begin().await.expect("started");
    let copy = site.look().await.expect("it runs");
    assert!(copy.written_files.contains(&log), "{:?}", copy.written_files);
    assert!(!copy.written_files.iter().any(|file| file == "/etc/passwd"));
    site.end().await.expect("stopped");
    let mode = fs::metadata(&log).expect("a log").permissions().mode();
    assert_ne!(mode & 0o400, 0);
}
