//! A home with a live tree under a small Gunicorn, and a service manager that is a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use migrate::core::rollout::{AbsolutePath, VolatilePattern};
use migrate::core::{Digest, Secret};
use migrate::ports::{
    FileContent, InstalledFile, OwnedDirectory, ReleaseBuild, ReleaseFacts, ReleaseName, ReleaseSite, TargetWrite,
    TargetsWrite, TreeFacts, WritableTarget, WriteFailure,
};

use crate::support::permits;
use crate::support::sshd::Sshd;

const GUNICORN: &str = include_str!("support/switched_gunicorn.py");
/// In the environment of the application.
pub const SECRET: &str = "do-not-tell-anybody";
/// Long enough for two interpreters on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub fn at(path: &Path) -> AbsolutePath {
    path.to_str().expect("UTF-8").parse().expect("a path")
}

pub struct Site {
    pub sshd: Sshd,
    pub home: tempfile::TempDir,
    master: Child,
    writer: Arc<dyn TargetWrite>,
}

impl Site {
    pub fn start() -> Self {
        Self::with(&["--config", "gunicorn.conf.py"])
    }

    /// With these arguments before the application's name.
    pub fn with(options: &[&str]) -> Self {
        let (sshd, home) = (Sshd::start(), tempfile::tempdir().expect("a directory"));
        let live = home.path().join("App");
        for directory in [live.join("flask_session"), live.join("sub/logs"), sshd.path("env/bin")] {
            fs::create_dir_all(directory).expect("a directory");
        }
        for (name, content) in [
            ("run.py", "import time\n"),
            ("gunicorn.conf.py", "workers = 2\n"),
            ("flask_session/one", "a session"),
            ("sub/logs/deep", "stays"),
            ("gunicorn.pid", "2000000000\n"),
        ] {
            fs::write(live.join(name), content).expect("a file");
        }
        fs::write(sshd.path("env/bin/gunicorn"), GUNICORN).expect("a program");
        let (main, drop_in) = (sshd.path("main"), sshd.path("drop-in"));
        let unit = "migrate-release-test.service";
        let systemctl = format!(
            "#!/bin/sh\n[ \"$1\" != start ] || exit 1\necho MainPID=$(cat '{main}')\necho Type=notify\nif [ -e '{drop_in}' ]; \
             then\n  echo NotifyAccess=all\n  echo DropInPaths=/etc/systemd/system/{unit}.d/migrate.conf\nelse\n  echo \
             NotifyAccess=main\n  echo DropInPaths=\nfi\n",
            main = main.display(),
            drop_in = drop_in.display(),
        );
        sshd.install("systemctl", &systemctl);
        let sudo = format!(
            "#!/bin/sh\n[ ! -e '{refuse}' ] || {{ echo 'sudo: a password is required' >&2; exit 1; }}\ncase \"$2\" in\ninstall) \
             cp \"$6\" '{drop_in}' ;;\nrm) rm -f '{drop_in}' ;;\nesac\n",
            refuse = sshd.path("refuse").display(),
            drop_in = drop_in.display(),
        );
        sshd.install("sudo", &sudo);
        let master = Command::new("/usr/bin/python3")
            .arg(sshd.path("env/bin/gunicorn"))
            .args(options)
            .arg("run:app")
            .current_dir(&live)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("SECRET_KEY", SECRET)])
            .envs([("MAIN_FILE", &main), ("LIVE", &live), ("ERROR_LOG", &home.path().join("error.log"))])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a master");
        let deadline = Instant::now() + PATIENCE;
        while !main.exists() {
            assert!(Instant::now() < deadline, "the master does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        let writer = sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()));
        Self { sshd, home, master, writer }
    }

    pub fn live(&self) -> PathBuf {
        self.home.path().join("App")
    }

    pub fn releases(&self) -> PathBuf {
        self.home.path().join("App.releases")
    }

    pub fn site(&self) -> ReleaseSite {
        let patterns = ["flask_session", "logs", "uploads", "data.db", "*.pid", "__pycache__"];
        let volatile = patterns.map(|one| VolatilePattern::try_from(one.to_owned()).expect("a pattern"));
        ReleaseSite {
            live: at(&self.live()),
            releases: OwnedDirectory { directory: at(&self.releases()), rollout: "ours".parse().expect("a name") },
            unit: "migrate-release-test.service".into(),
            volatile: volatile.into(),
        }
    }

    /// Ends sshd's own processes for its connections; what they started lives on.
    pub fn cut_connections(&self) {
        let server = self.sshd.server_id().to_string();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let parent =
                stat.rsplit_once(')').and_then(|(_, fields)| fields.split_whitespace().nth(1).map(str::to_owned));
            if parent.as_ref() == Some(&server) {
                let _ = Command::new("kill").args(["-9", &entry.file_name().to_string_lossy()]).status();
            }
        }
    }

    pub async fn facts(&self) -> ReleaseFacts {
        self.sshd.reader().releases(&self.site()).await.expect("facts")
    }

    pub async fn tree(&self) -> TreeFacts {
        self.sshd.reader().tree(&at(&self.live()), &self.site().volatile).await.expect("a tree")
    }

    pub async fn make_room(&self) -> Result<(), WriteFailure> {
        self.writer.make_room(&permits::apply(), &self.site()).await
    }

    pub async fn clear_room(&self) -> Result<(), WriteFailure> {
        self.writer.clear_room(&permits::undo(), &self.site()).await
    }

    /// Builds a release with this entry.
    pub async fn build(&self, entry: &str) -> Result<ReleaseName, WriteFailure> {
        let name = ReleaseName::of(&Digest::of(entry.as_bytes()));
        let public = |text: &str| FileContent::Public(text.into());
        let files = [
            ("gunicorn.conf.py", public("# ours\n")),
            ("run.py", public(entry)),
            (".migrate/redis-password", FileContent::Private(Secret::new("hunter2".into()))),
            (".migrate/trial-token", FileContent::RandomToken { bytes: 16 }),
        ];
        let files = files.map(|(path, content)| InstalledFile { path: path.into(), content }).into();
        let build = ReleaseBuild { name: name.clone(), files, needed_bytes: 0 };
        self.writer.build_release(&permits::apply(), &self.site(), &build).await.map(|()| name)
    }

    pub async fn remove_releases(&self) -> Result<(), WriteFailure> {
        self.writer.remove_releases(&permits::undo(), &self.site()).await
    }

    pub async fn switch(&self, release: &ReleaseName) -> Result<(), WriteFailure> {
        self.writer.switch_to_release(&permits::apply(), &self.site(), release, PATIENCE).await
    }

    pub async fn back(&self) -> Result<(), WriteFailure> {
        self.writer.switch_to_original(&permits::undo(), &self.site(), PATIENCE).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Whatever runs below this home: masters that came from the first one are nobody's children.
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let directory = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            if directory.starts_with(self.home.path()) {
                let _ = Command::new("kill").args(["-9", &entry.file_name().to_string_lossy()]).status();
            }
        }
        let _ = self.master.kill();
        let _ = self.master.wait();
    }
}
