//! A home with a live tree that is hard to copy, and a place beside it for the copy.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use migrate::core::rollout::{AbsolutePath, VolatilePattern};
use migrate::ports::{
    DirectoryState, OwnedDirectory, TargetWrite, TargetsWrite, TreeCopy, TreeFacts, WritableTarget, WriteFailure,
};

use crate::support::permits;
use crate::support::process::run;
use crate::support::sshd::Sshd;

pub const VOLATILE: [&str; 5] = ["flask_session", "logs", "uploads", "*.log", ".migrate"];

pub fn at(path: &Path) -> AbsolutePath {
    path.to_str().expect("UTF-8").parse().expect("an absolute path")
}

pub fn volatile() -> Vec<VolatilePattern> {
    VOLATILE.map(|pattern| pattern.to_owned().try_into().expect("a pattern")).into()
}

pub fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("mode");
}

pub struct Site {
    pub sshd: Sshd,
    pub home: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        let site = Self { sshd: Sshd::start(), home: tempfile::tempdir().expect("a directory") };
        site.plant();
        site
    }

    pub fn original(&self) -> PathBuf {
        self.home.path().join("App")
    }

    /// Beside the original, in the same home.
    pub fn copy(&self) -> PathBuf {
        self.home.path().join("App-redis-test")
    }

    fn plant(&self) {
        let root = self.original();
        let outside = self.home.path().join("outside");
        for directory in ["sub/flask_session", "a dir/with  spaces", "flask_session", "logs/deep", "closed"] {
            fs::create_dir_all(root.join(directory)).expect("directories");
        }
        fs::create_dir_all(&outside).expect("directory");
        fs::write(outside.join("precious"), "do not touch").expect("file");
        let names: [&[u8]; 7] = [
            b"app.py",
            b"a dir/-rf",
            b"sub/new\nline\\back\rslash",
            b"sub/'\" $HOME `id`",
            b"sub/\xff\xfe",
            b"empty",
            b"closed/x",
        ];
        for name in names {
            fs::write(root.join(OsStr::from_bytes(name)), name).expect("file");
        }
        for name in ["flask_session/a", "sub/flask_session/b", "logs/deep/c", "gunicorn.log", "sub/access.log"] {
            fs::write(root.join(name), "volatile").expect("file");
        }
        fs::hard_link(root.join("app.py"), root.join("same.py")).expect("hard link");
        symlink("app.py", root.join("link")).expect("link");
        symlink(&outside, root.join("leads out")).expect("link");
        symlink("nowhere", root.join("broken")).expect("link");
        symlink(&outside, root.join("uploads")).expect("link");
        run(Command::new("mkfifo").arg(root.join("pipe")), "coreutils");
        drop(UnixListener::bind(root.join("socket")).expect("a socket"));
        run(Command::new("touch").args(["-d", "2020-02-02 02:02:02.123456789"]).arg(root.join("app.py")), "coreutils");
        run(Command::new("touch").args(["-h", "-d", "2021-01-01"]).arg(root.join("broken")), "coreutils");
        mode(&root.join("app.py"), 0o640);
        mode(&root.join("closed"), 0o555);
        mode(&root, 0o750);
    }

    pub fn writer(&self) -> Arc<dyn TargetWrite> {
        self.sshd.hosts().writer(&WritableTarget::staging(&permits::rollout()))
    }

    pub fn place(&self, rollout: &str) -> OwnedDirectory {
        OwnedDirectory { directory: at(&self.copy()), rollout: rollout.parse().expect("a name") }
    }

    pub async fn make(&self, needed_bytes: u64) -> Result<(), WriteFailure> {
        let copy = TreeCopy { from: at(&self.original()), to: self.place("ours"), volatile: volatile(), needed_bytes };
        self.writer().copy_tree(&permits::apply(), &copy).await
    }

    pub async fn remove(&self, rollout: &str) -> Result<(), WriteFailure> {
        self.writer().remove_directory(&permits::undo(), &self.place(rollout)).await
    }

    pub async fn state(&self) -> DirectoryState {
        self.sshd.reader().owned_directory(&self.place("ours")).await.expect("a state")
    }

    pub async fn facts(&self, root: &Path) -> TreeFacts {
        self.sshd.reader().tree(&at(root), &volatile()).await.expect("facts")
    }

    pub async fn assert_whole(&self) {
        assert_eq!(self.state().await, DirectoryState::Complete);
        let (original, copy) = (self.facts(&self.original()).await, self.facts(&self.copy()).await);
        assert_eq!((original.digest, original.files), (copy.digest, copy.files));
        let reader = self.sshd.reader();
        let differences = reader.differences(&at(&self.original()), &at(&self.copy()), &volatile()).await;
        assert_eq!(differences.expect("a comparison"), Vec::<String>::new());
    }

    /// Everything below the home but the copy, with what changes when it is touched.
    pub fn others(&self) -> BTreeMap<PathBuf, (u64, i64, i64, u32)> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![self.original(), self.home.path().join("outside")];
        while let Some(path) = waiting.pop() {
            let facts = fs::symlink_metadata(&path).expect("facts");
            if facts.is_dir() {
                waiting.extend(fs::read_dir(&path).expect("entries").map(|entry| entry.expect("an entry").path()));
            }
            found.insert(path, (facts.ino(), facts.ctime(), facts.ctime_nsec(), facts.mode()));
        }
        found
    }
}
