//! Installing files in a directory that is ours, looking at them, and importing an application beside the running one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use migrate::core::rollout::AbsolutePath;
use migrate::core::{Digest, FailureClass, Outcome, Secret};
use migrate::ports::{
    FileContent, FileFacts, Installation, InstalledFile, OwnedDirectory, SmokeImport, TargetWrite, TargetsWrite,
    WritableTarget, WriteFailure,
};

use crate::support::permits;
use crate::support::process::run;
use crate::support::sshd::Sshd;

const SECRET: &str = "hunter2-'\"$(id)\\-end";

fn at(path: &Path) -> AbsolutePath {
    path.to_str().expect("UTF-8").parse().expect("an absolute path")
}

fn file(path: &str, content: FileContent) -> InstalledFile {
    InstalledFile { path: path.into(), content }
}

fn usual() -> Vec<InstalledFile> {
    vec![
        file("migrate_sessions/codec/wire.py", FileContent::Public(b"a = '\\x00\xff'\n\0\xff".to_vec())),
        file("migrate_wsgi.py", FileContent::Public(b"import os\n".to_vec())),
        file(".migrate/redis-password", FileContent::Private(Secret::new(SECRET.into()))),
        file(".migrate/trial-token", FileContent::RandomToken { bytes: 32 }),
    ]
}

struct Site {
    sshd: Sshd,
    home: tempfile::TempDir,
}

impl Site {
    /// With a directory that is ours and whole.
    fn new() -> Self {
        let site = Self { sshd: Sshd::start(), home: tempfile::tempdir().expect("a directory") };
        fs::create_dir_all(site.copy().join(".migrate")).expect("directories");
        fs::set_permissions(site.copy().join(".migrate"), fs::Permissions::from_mode(0o700)).expect("mode");
        fs::write(site.copy().join(".migrate/owner"), "ours\n").expect("a mark");
        fs::write(site.copy().join(".migrate/complete"), "").expect("a mark");
        site
    }

    fn copy(&self) -> PathBuf {
        self.home.path().join("App-redis-test")
    }

    fn place(&self) -> OwnedDirectory {
        OwnedDirectory { directory: at(&self.copy()), rollout: "ours".parse().expect("a name") }
    }

    fn writer(&self) -> Arc<dyn TargetWrite> {
        self.sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()))
    }

    async fn install(&self, files: Vec<InstalledFile>) -> Result<(), WriteFailure> {
        self.writer().install(&permits::apply(), &Installation { place: self.place(), files }).await
    }

    async fn uninstall(&self, paths: &[&str]) -> Result<(), WriteFailure> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        self.writer().uninstall(&permits::undo(), &self.place(), &paths).await
    }

    async fn files(&self, paths: &[&str]) -> Vec<Option<FileFacts>> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        self.sshd.reader().files(&at(&self.copy()), &paths).await.expect("facts")
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.copy().join(path)).expect("a file")
    }

    fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.copy().join(path)).expect("facts").mode() & 0o7777
    }
}

#[tokio::test]
async fn files_are_installed_with_their_modes_and_seen_again() {
    let site = Site::new();
    site.install(usual()).await.expect("installed");
    assert_eq!(site.read("migrate_sessions/codec/wire.py"), b"a = '\\x00\xff'\n\0\xff");
    assert_eq!(site.read(".migrate/redis-password"), SECRET.as_bytes());
    let modes = [".migrate/redis-password", ".migrate/trial-token", ".migrate", "migrate_wsgi.py", "migrate_sessions"];
    assert_eq!(modes.map(|path| site.mode(path)), [0o600, 0o600, 0o700, 0o644, 0o755]);
    let token = site.read(".migrate/trial-token");
    assert!(token.trim_ascii().len() == 64 && token.trim_ascii().iter().all(u8::is_ascii_hexdigit));

    let found = site.files(&["migrate_wsgi.py", "missing", "missing/too", ".migrate/redis-password"]).await;
    assert_eq!(found[0], Some(FileFacts { digest: Digest::of(b"import os\n"), mode: 0o644 }));
    assert_eq!((&found[1], &found[2]), (&None, &None));
    assert_eq!(found[3], Some(FileFacts { digest: Digest::of(SECRET.as_bytes()), mode: 0o600 }));
    let read = site.sshd.reader().private_file(&at(&site.copy()), ".migrate/redis-password").await.expect("a secret");
    assert_eq!(read.expose(), SECRET);

    // The same again: a token that was drawn stays.
    fs::set_permissions(site.copy().join("migrate_wsgi.py"), fs::Permissions::from_mode(0o777)).expect("mode");
    site.install(usual()).await.expect("installed");
    assert_eq!((site.read(".migrate/trial-token"), site.mode("migrate_wsgi.py")), (token, 0o644));
}

#[tokio::test]
async fn a_secret_is_on_no_command_line_and_in_no_message() {
    let site = Site::new();
    let watch = Watch::start();
    let reader = site.sshd.reader();
    fs::create_dir(site.copy().join("in-the-way")).expect("directory");
    let mut said = Vec::new();
    for _ in 0..5 {
        site.install(usual()).await.expect("installed");
        reader.private_file(&at(&site.copy()), ".migrate/redis-password").await.expect("a secret");
        let wrong = file("in-the-way", FileContent::Private(Secret::new(SECRET.into())));
        said.push(format!("{:?}", site.install(vec![wrong]).await.expect_err("refused")));
    }
    let seen = watch.end();
    assert!(seen.contains("def install(request"), "nobody saw the program run");
    for text in said.into_iter().chain([seen]) {
        for secret in [SECRET, &hex(SECRET)] {
            assert!(!text.contains(secret));
        }
    }
}

/// What is on the command lines and in the environments of all processes but this one, until it ends.
struct Watch(Arc<AtomicBool>, std::thread::JoinHandle<String>);

impl Watch {
    fn start() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let work = move || {
            let mut seen = std::collections::BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc").expect("/proc").flatten() {
                    let id = process.file_name().to_string_lossy().parse::<u32>();
                    if id.is_ok_and(|id| id != std::process::id()) {
                        let content = |name| fs::read(process.path().join(name)).unwrap_or_default();
                        seen.insert([content("cmdline"), content("environ")].concat());
                    }
                }
            }
            seen.iter().map(|content| String::from_utf8_lossy(content)).collect()
        };
        Self(stop, std::thread::spawn(work))
    }

    fn end(self) -> String {
        self.0.store(true, Ordering::Relaxed);
        self.1.join().expect("a watch")
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn links_and_things_in_the_way_are_not_followed() {
    let site = Site::new();
    let outside = site.home.path().join("outside");
    fs::create_dir(&outside).expect("directory");
    symlink(&outside, site.copy().join("migrate_sessions")).expect("link");
    let failed = site.install(usual()).await.expect_err("refused");
    assert_eq!(failed.failure.class, FailureClass::Foreign, "{failed}");
    assert!(failed.failure.message.contains("migrate_sessions"), "{failed}");
    assert_eq!(fs::read_dir(&outside).expect("entries").count(), 0);
    let strange = site.files(&["migrate_sessions", "migrate_sessions/store.py"]).await;
    assert!(strange.iter().all(Option::is_some), "a link is there: {strange:?}");
    fs::write(outside.join("wire.py"), "x").expect("file");
    site.uninstall(&["migrate_sessions/wire.py"]).await.expect("nothing of ours");
    assert!(outside.join("wire.py").exists());

    // A file that is a link is replaced, not written through.
    fs::remove_file(site.copy().join("migrate_sessions")).expect("remove");
    symlink(outside.join("wire.py"), site.copy().join("migrate_wsgi.py")).expect("link");
    assert_ne!(site.files(&["migrate_wsgi.py"]).await[0].as_ref().expect("facts").digest, Digest::of(b"x"));
    site.install(usual()).await.expect("installed");
    assert_eq!(fs::read(outside.join("wire.py")).expect("file"), b"x");
    assert!(fs::symlink_metadata(site.copy().join("migrate_wsgi.py")).expect("facts").is_file());

    for path in ["../escaped", "/tmp/escaped", "a//b", "a/./b", ""] {
        let failed = site.install(vec![file(path, FileContent::Public(Vec::new()))]).await.expect_err("refused");
        assert_eq!(failed.outcome, Outcome::Clean, "{path}: {failed}");
    }
    assert!(!site.home.path().join("escaped").exists());
}

#[tokio::test]
async fn only_a_whole_directory_of_ours_gets_files() {
    let site = Site::new();
    fs::remove_file(site.copy().join(".migrate/complete")).expect("remove");
    let failed = site.install(usual()).await.expect_err("unfinished");
    assert!(failed.outcome == Outcome::Clean && failed.failure.message.contains("unfinished"), "{failed}");
    fs::write(site.copy().join(".migrate/owner"), "others\n").expect("file");
    for failed in [site.install(usual()).await.expect_err("theirs"), site.uninstall(&["x"]).await.expect_err("theirs")]
    {
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
    }
    fs::remove_dir_all(site.copy()).expect("remove");
    let failed = site.install(usual()).await.expect_err("missing");
    assert!(failed.outcome == Outcome::Clean && failed.failure.message.contains("missing"), "{failed}");
    site.uninstall(&["x"]).await.expect("nothing there");
    assert_eq!(site.files(&["x"]).await, [None]);
}

#[tokio::test]
async fn what_was_installed_goes_and_what_was_there_stays() {
    let site = Site::new();
    fs::write(site.copy().join("app.py"), "x").expect("file");
    fs::create_dir(site.copy().join("__pycache__")).expect("directory");
    fs::write(site.copy().join("__pycache__/app.cpython-311.pyc"), "x").expect("file");
    site.install(usual()).await.expect("installed");
    fs::write(site.copy().join("__pycache__/migrate_wsgi.cpython-311.pyc"), "x").expect("file");
    fs::create_dir(site.copy().join("migrate_sessions/codec/__pycache__")).expect("directory");
    fs::write(site.copy().join("migrate_sessions/codec/__pycache__/wire.cpython-311.pyc"), "x").expect("file");
    let paths: Vec<String> = usual().into_iter().map(|file| file.path).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).chain(["missing/file.py"]).collect();
    for _ in 0..2 {
        site.uninstall(&paths).await.expect("removed");
        let mut left: Vec<_> =
            fs::read_dir(site.copy()).expect("entries").map(|e| e.expect("one").file_name()).collect();
        left.sort();
        assert_eq!(left, [".migrate", "__pycache__", "app.py"]);
        assert_eq!(fs::read_dir(site.copy().join("__pycache__")).expect("entries").count(), 1);
        assert_eq!(fs::read_dir(site.copy().join(".migrate")).expect("entries").count(), 2);
    }
}

#[tokio::test]
async fn a_private_file_that_others_may_read_is_refused() {
    let site = Site::new();
    site.install(usual()).await.expect("installed");
    let reader = site.sshd.reader();
    let read = async |path: &str| reader.private_file(&at(&site.copy()), path).await.expect_err("refused");
    for path in ["migrate_wsgi.py", "missing", "migrate_sessions"] {
        let failure = read(path).await;
        assert!(failure.message.contains(path), "{failure}");
    }
    symlink("redis-password", site.copy().join(".migrate/link")).expect("link");
    read(".migrate/link").await;
}

#[tokio::test]
async fn two_trees_are_compared_in_words() {
    let site = Site::new();
    let (one, other) = (site.home.path().join("one"), site.home.path().join("other"));
    for root in [&one, &other] {
        fs::create_dir_all(root.join("sub")).expect("directories");
        for name in ["same", "content", "mode", "sub/kind", "x.log"] {
            fs::write(root.join(name), "abc").expect("file");
        }
        symlink("same", root.join("link")).expect("link");
    }
    fs::write(other.join("content"), "abd").expect("file");
    fs::write(other.join("x.log"), "left out").expect("file");
    fs::set_permissions(other.join("mode"), fs::Permissions::from_mode(0o755)).expect("mode");
    fs::remove_file(other.join("sub/kind")).expect("remove");
    fs::create_dir(other.join("sub/kind")).expect("directory");
    fs::remove_file(other.join("link")).expect("remove");
    symlink("mode", other.join("link")).expect("link");
    fs::write(one.join("only\nhere"), "").expect("file");
    let left_out = ["*.log".to_owned().try_into().expect("a pattern")];
    let words = site.sshd.reader().differences(&at(&one), &at(&other), &left_out).await.expect("words");
    let only = format!("only\\nhere: only in {}", one.display());
    let expected =
        ["content: its content", "link: where it leads", "mode: its mode (644 and 755)", &only, "sub/kind: its kind"];
    assert_eq!(words, expected);
}

/// A virtual environment with a package of its own, and a process of it that stands for the service.
struct Service(Child);

impl Service {
    fn start(site: &Site, application: &str) -> Self {
        let environment = site.home.path().join("app_env");
        run(Command::new("/usr/bin/python3").args(["-m", "venv", "--without-pip"]).arg(&environment), "python3-venv");
        let packages = fs::read_dir(environment.join("lib")).expect("lib").next().expect("a python").expect("one");
        fs::write(packages.path().join("site-packages/only_there.py"), "").expect("a package");
        let child = Command::new(environment.join("bin/python"))
            .args(["-c", "import time; time.sleep(120)", application])
            .env("APPLICATION_SECRET", "of the application")
            .env("PYTHONPATH", site.home.path().join("elsewhere"))
            .stdin(Stdio::null())
            .spawn()
            .expect("a service");
        let systemctl =
            format!("#!/bin/sh\n[ \"$2\" = app.service ] && pid={} || pid=0\necho MainPID=$pid\n", child.id());
        site.sshd.install("systemctl", &systemctl);
        Self(child)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn an_application_is_imported_as_the_running_one_would_be() {
    let site = Site::new();
    let _service = Service::start(&site, "run:app");
    let reader = site.sshd.reader();
    let import = SmokeImport { unit: "app.service".into(), directory: at(&site.copy()) };
    let said = async |text: &str| {
        fs::write(site.copy().join("run.py"), text).expect("an application");
        reader.smoke_import(&import).await.expect("an answer")
    };
    let checks =
        "import os, only_there\nassert os.environ['APPLICATION_SECRET'] == 'of the application'\nprint('noise')\n";
    assert_eq!(said(checks).await, None);
    assert!(!site.copy().join("__pycache__").exists(), "byte code was left behind");
    let problems = [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys\nsys.exit(0)\n", "SystemExit: 0"),
        ("import os\nos._exit(0)\n", "the import ended the interpreter (exit code 0)"),
        ("import os\nos.kill(os.getpid(), 11)\n", "the import crashed the interpreter (signal 11)"),
        ("raise ValueError('two\\nlines')\n", "lines"),
    ];
    for (text, problem) in problems {
        assert_eq!(said(text).await.as_deref(), Some(problem), "{text}");
    }
    // The application of somewhere else is not the copy's.
    fs::remove_file(site.copy().join("run.py")).expect("remove");
    fs::create_dir(site.home.path().join("elsewhere")).expect("directory");
    fs::write(site.home.path().join("elsewhere/run.py"), "").expect("an application");
    let problem = reader.smoke_import(&import).await.expect("an answer").expect("a problem");
    assert!(problem.contains("elsewhere/run.py") && problem.contains("not from"), "{problem}");
}

#[tokio::test]
async fn an_import_needs_a_service_and_an_application_to_name() {
    let site = Site::new();
    let service = Service::start(&site, "--preload");
    let asked = async |unit: &str| {
        let import = SmokeImport { unit: unit.into(), directory: at(&site.copy()) };
        site.sshd.reader().smoke_import(&import).await.expect_err("no answer")
    };
    assert!(asked("app.service").await.message.contains("does not end with an application"));
    assert!(asked("other.service").await.message.contains("has no main process"));
    drop(service);
    assert_eq!(asked("app.service").await.class, FailureClass::Transient, "it went away");
}
