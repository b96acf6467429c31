//! The digest of a tree: the same for a copy, another for any change.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use migrate::core::FailureClass;
use migrate::core::rollout::{AbsolutePath, VolatilePattern};
use migrate::ports::TreeFacts;

use crate::support::process::run;
use crate::support::sshd::Sshd;

fn plant(root: &Path) {
    fs::create_dir_all(root.join("sub/flask_session")).expect("directories");
    fs::create_dir_all(root.join("a dir/with  spaces")).expect("directories");
    fs::write(root.join("app.py"), "print(1)\n").expect("file");
    fs::write(root.join("a dir/with  spaces/-rf"), "dash").expect("file");
    fs::write(root.join("sub/new\nline\\back\rslash"), "odd").expect("file");
    fs::write(root.join("sub/é ☃ \"quoted\" 'single' $HOME `id`"), "odd").expect("file");
    fs::write(root.join("sub/*.py"), "star").expect("file");
    fs::write(root.join("empty"), "").expect("file");
    fs::write(root.join("sub/flask_session/2029240f6d1128be89ddc32729463129"), "session").expect("file");
    fs::write(root.join("gunicorn.log"), "log").expect("file");
    symlink("app.py", root.join("link")).expect("link");
    symlink("nowhere", root.join("broken link")).expect("link");
    symlink("a dir", root.join("directory link")).expect("link");
}

fn at(path: &Path) -> AbsolutePath {
    path.to_str().expect("UTF-8").parse().expect("an absolute path")
}

fn volatile() -> Vec<VolatilePattern> {
    ["flask_session", "*.log"].map(|pattern| pattern.to_owned().try_into().expect("a pattern")).into()
}

struct Site {
    sshd: Sshd,
    directory: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { sshd: Sshd::start(), directory: tempfile::tempdir().expect("a directory") };
        plant(&site.root());
        site
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("the app")
    }

    async fn manifest(&self) -> std::collections::BTreeMap<String, migrate::core::Digest> {
        self.sshd.reader().manifest(&at(&self.root()), &volatile()).await.expect("a manifest")
    }

    async fn facts(&self, root: &Path) -> TreeFacts {
        self.sshd.reader().tree(&at(root), &volatile()).await.expect("facts")
    }
}

#[tokio::test]
async fn a_copy_is_the_same_and_any_change_is_not() {
    let site = Site::new();
    let (root, copy) = (site.root(), site.directory.path().join("copy"));
    let first = site.facts(&root).await;
    assert_eq!(first.files, 6);
    assert_eq!(site.facts(&root).await, first);
    run(Command::new("cp").arg("-a").arg(&root).arg(&copy), "coreutils");
    assert_eq!(site.facts(&copy).await, first);

    let app = copy.join("app.py");
    fs::write(&app, "print(2)\n").expect("file");
    assert_ne!(site.facts(&copy).await.digest, first.digest, "content");
    fs::write(&app, "print(1)\n").expect("file");
    assert_eq!(site.facts(&copy).await.digest, first.digest);

    fs::set_permissions(&app, fs::Permissions::from_mode(0o755)).expect("mode");
    assert_ne!(site.facts(&copy).await.digest, first.digest, "mode");
    fs::set_permissions(&app, fs::Permissions::from_mode(0o644)).expect("mode");

    fs::remove_file(copy.join("link")).expect("remove");
    symlink("empty", copy.join("link")).expect("link");
    assert_ne!(site.facts(&copy).await.digest, first.digest, "link");
    fs::remove_file(copy.join("link")).expect("remove");
    symlink("app.py", copy.join("link")).expect("link");
    assert_eq!(site.facts(&copy).await.digest, first.digest);

    let odd = copy.join("sub/new\nline\\back\rslash");
    fs::rename(&odd, copy.join("sub/newnline\\back\rslash")).expect("rename");
    assert_ne!(site.facts(&copy).await.digest, first.digest, "name");
    fs::rename(copy.join("sub/newnline\\back\rslash"), &odd).expect("rename");

    fs::create_dir(copy.join("new directory")).expect("directory");
    assert_ne!(site.facts(&copy).await.digest, first.digest, "directory");
    fs::remove_dir(copy.join("new directory")).expect("remove");
    assert_eq!(site.facts(&copy).await, first);
}

#[tokio::test]
async fn what_is_volatile_counts_only_for_its_size() {
    let site = Site::new();
    let before = site.facts(&site.root()).await;
    fs::write(site.root().join("sub/flask_session/another"), "12345").expect("file");
    fs::write(site.root().join("sub/deeper.log"), "12345").expect("file");
    let after = site.facts(&site.root()).await;
    assert_eq!((after.digest, after.files), (before.digest, before.files));
    assert_eq!(after.bytes, before.bytes + 10);
}

#[tokio::test]
async fn a_root_that_looks_volatile_is_read() {
    let sshd = Sshd::start();
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("flask_session");
    fs::create_dir(&root).expect("directory");
    fs::write(root.join("file"), "x").expect("file");
    let facts = sshd.reader().tree(&at(&root), &volatile()).await.expect("facts");
    assert_eq!((facts.files, facts.bytes), (1, 1));
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_named() {
    let sshd = Sshd::start();
    let missing = sshd.path("missing");
    let failure = sshd.reader().tree(&at(&missing), &[]).await.expect_err("missing");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("missing"), "{failure}");
}

#[tokio::test]
async fn an_unreadable_file_is_an_error_that_names_it() {
    let site = Site::new();
    // The tests may run as root, who reads everything: so sha256sum is told to fail as it would.
    let script = "#!/bin/sh\ncase \"$*\" in *app.py*) echo 'sha256sum: ./app.py: Permission denied' >&2; exit 1;; esac\nexec /usr/bin/sha256sum \"$@\"\n";
    site.sshd.install("sha256sum", script);
    let failure = site.sshd.reader().tree(&at(&site.root()), &volatile()).await.expect_err("unreadable");
    assert_eq!(failure.class, FailureClass::Permanent, "{failure}");
    assert!(failure.message.contains("app.py"), "{failure}");
}

#[tokio::test]
async fn output_that_breaks_off_is_refused() {
    let site = Site::new();
    // find that ends early and claims success: the listing is short, and nothing else would tell.
    site.sshd.install("find", "#!/bin/sh\n/usr/bin/find \"$@\" | head -c 100\nexit 0\n");
    let failure = site.sshd.reader().tree(&at(&site.root()), &volatile()).await.expect_err("cut");
    assert!(failure.message.contains("makes no sense") || failure.message.contains("changed"), "{failure}");
}

#[tokio::test]
async fn room_is_measured_where_the_directory_would_be() {
    let site = Site::new();
    let there = site.sshd.reader().disk(&at(&site.root())).await.expect("room").free_bytes;
    let would_be = site.sshd.reader().disk(&at(&site.root().join("not/yet"))).await.expect("room").free_bytes;
    assert!(there > 0 && there.abs_diff(would_be) < 1 << 30, "{there} {would_be}");
}

#[tokio::test]
async fn a_manifest_names_what_differs() {
    let site = Site::new();
    let before = site.manifest().await;
    assert!(before.contains_key("a dir/with  spaces/-rf") && !before.keys().any(|path| path.contains("flask_session")));
    fs::write(site.root().join("app.py"), "print(2)\n").expect("file");
    fs::write(site.root().join("new.py"), "").expect("file");
    fs::set_permissions(site.root().join("empty"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let after = site.manifest().await;
    let differs: Vec<&String> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    assert_eq!(differs, ["app.py", "empty", "new.py"]);
}
