//! Copying a live tree on a host, going on with a half copy, and removing it: nothing else is ever touched.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use migrate::core::{FailureClass, Outcome};
use migrate::ports::{DirectoryState, OwnedDirectory, TreeCopy};

use crate::copy_site::{Site, VOLATILE, at, mode, volatile};
use crate::support::permits;
use crate::support::until::until;

const COPY: &str = include_str!(concat!(env!("OUT_DIR"), "/host_programs/files/copy.py"));

#[tokio::test]
async fn a_copy_is_whole_beside_an_original_that_is_not_touched() {
    let site = Site::new();
    let before = site.others();
    assert_eq!(site.state().await, DirectoryState::Missing);
    site.make(1).await.expect("copied");
    site.assert_whole().await;
    assert_eq!(site.others(), before, "the original, or something outside, was touched");

    let copy = site.copy();
    for name in ["app.py", "broken", "sub", "a dir"] {
        let here = fs::symlink_metadata(site.original().join(name)).expect("facts");
        let there = fs::symlink_metadata(copy.join(name)).expect("facts");
        assert_eq!((here.mtime(), here.mtime_nsec()), (there.mtime(), there.mtime_nsec()), "{name}");
        assert_ne!(here.ino(), there.ino(), "{name}");
    }
    assert_eq!(fs::metadata(copy.join("app.py")).expect("facts").nlink(), 1, "shares a file");
    for directory in ["flask_session", "sub/flask_session", "logs", "uploads"] {
        assert!(fs::symlink_metadata(copy.join(directory)).expect("facts").is_dir(), "{directory}");
        assert_eq!(fs::read_dir(copy.join(directory)).expect("a directory").count(), 0, "{directory}");
    }
    assert!(!copy.join("gunicorn.log").exists() && !copy.join("sub/access.log").exists());
    assert_eq!(fs::read_to_string(copy.join(".migrate/owner")).expect("a mark"), "ours\n");
    assert_eq!(fs::metadata(copy.join(".migrate")).expect("facts").mode() & 0o7777, 0o700);

    // The same call again has nothing to do.
    let made = fs::metadata(copy.join("app.py")).expect("facts").ctime_nsec();
    site.make(u64::MAX).await.expect("there already");
    assert_eq!(fs::metadata(copy.join("app.py")).expect("facts").ctime_nsec(), made);
}

#[tokio::test]
async fn a_half_copy_is_gone_on_with_and_ends_equal() {
    let site = Site::new();
    let before = site.others();
    site.make(1).await.expect("copied");
    let copy = site.copy();
    fs::remove_file(copy.join(".migrate/complete")).expect("remove");
    fs::write(copy.join(".migrate/part"), "half a file").expect("file");
    fs::remove_file(copy.join("a dir/-rf")).expect("remove");
    fs::write(copy.join("empty"), "something else").expect("file");
    fs::write(copy.join("too much"), "x").expect("file");
    fs::create_dir(copy.join("too much of it")).expect("directory");
    // A link where a directory was: what it leads to is not ours.
    fs::remove_dir_all(copy.join("sub")).expect("remove");
    symlink(site.home.path().join("outside"), copy.join("sub")).expect("link");
    fs::remove_dir(copy.join("logs")).expect("remove");
    symlink(site.home.path().join("outside"), copy.join("logs")).expect("link");
    fs::remove_file(copy.join("link")).expect("remove");
    fs::create_dir(copy.join("link")).expect("directory");
    fs::remove_file(copy.join("same.py")).expect("remove");
    fs::create_dir_all(copy.join("same.py/deep")).expect("directories");
    mode(&copy, 0o700);
    let done = fs::metadata(copy.join("app.py")).expect("facts").ino();
    assert_eq!(site.state().await, DirectoryState::Unfinished);

    site.make(1).await.expect("gone on");
    site.assert_whole().await;
    assert_eq!(site.others(), before);
    assert_eq!(fs::metadata(copy.join("app.py")).expect("facts").ino(), done, "what was done is done again");
}

#[tokio::test]
async fn a_copy_whose_connection_breaks_is_gone_on_with() {
    let site = Site::new();
    for number in 0..6_000 {
        fs::write(site.original().join(format!("sub/file-{number}")), "x".repeat(2_000)).expect("file");
    }
    let (made, broken) = tokio::join!(site.make(1), async {
        until("the copy has begun", async || site.copy().join(".migrate/owner").exists()).await;
        site.sshd.kill_sessions();
    });
    let () = broken;
    let failed = made.expect_err("broken");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Unknown, FailureClass::Transient), "{failed}");
    assert_eq!(site.state().await, DirectoryState::Unfinished);
    site.make(1).await.expect("gone on");
    site.assert_whole().await;
}

#[tokio::test]
async fn one_writer_at_a_time() {
    let site = Site::new();
    site.make(1).await.expect("copied");
    fs::remove_file(site.copy().join(".migrate/complete")).expect("remove");
    let held = File::open(site.copy().join(".migrate")).expect("the marks");
    held.lock().expect("locked");
    for failed in [site.make(1).await.expect_err("locked"), site.remove("ours").await.expect_err("locked")] {
        assert_eq!(failed.failure.class, FailureClass::Transient, "{failed}");
        assert!(failed.failure.message.contains("still being written"), "{failed}");
    }
    drop(held);
    site.make(1).await.expect("copied");
    site.assert_whole().await;
}

#[tokio::test]
async fn without_room_nothing_is_made() {
    let site = Site::new();
    let failed = site.make(u64::MAX / 2).await.expect_err("no room");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
    assert!(failed.failure.message.contains("MiB needed"), "{failed}");
    assert!(!site.copy().exists());
}

#[tokio::test]
async fn a_disk_that_fills_up_is_said_and_gone_on_from() {
    let site = Site::new();
    // The program as it is sent, under a system call that fails as it would.
    let full = "import errno, os\ndef full(*_):\n    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\nos.write = full\n";
    let program = [full, COPY].concat();
    let mut command = Command::new("/usr/bin/python3");
    let mut child = command
        .args(["-I", "-B", "-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3: install it with `apt install python3`");
    let request = serde_json::json!({
        "from": site.original(), "to": site.copy(), "rollout": "ours", "volatile": VOLATILE, "needed_bytes": 1,
    });
    let mut input = child.stdin.take().expect("an input");
    input.write_all(request.to_string().as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), said.contains("No space left")), (Some(73), true), "{said}");
    assert!(output.stdout.ends_with(b"unknown\n"), "it may have written something");
    assert_eq!(site.state().await, DirectoryState::Unfinished);
    site.make(1).await.expect("gone on");
    site.assert_whole().await;
}

/// An application that makes, changes and removes files until it is dropped.
struct Busy(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Busy {
    fn start(root: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let work = move || {
            while !stopped.load(Ordering::Relaxed) {
                for number in 0..200 {
                    let directory = root.join(format!("sub/passing-{number}"));
                    fs::create_dir_all(&directory).expect("directory");
                    fs::write(directory.join("file"), "x").expect("file");
                    fs::write(root.join("sub/changing"), "y".repeat(number)).expect("file");
                    fs::remove_dir_all(&directory).expect("remove");
                }
            }
        };
        Self(stop, Some(std::thread::spawn(work)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        let _ = self.1.take().map(std::thread::JoinHandle::join);
    }
}

#[tokio::test]
async fn what_vanishes_meanwhile_was_not_there() {
    let site = Site::new();
    let busy = Busy::start(site.original());
    for _ in 0..5 {
        site.make(1).await.expect("copied");
        site.remove("ours").await.expect("removed");
    }
    drop(busy);
    site.make(1).await.expect("copied");
    site.assert_whole().await;
}

#[tokio::test]
async fn what_is_not_ours_is_refused_and_left_alone() {
    let site = Site::new();
    let (copy, outside) = (site.copy(), site.home.path().join("outside"));
    let refused = async |words: &str| {
        assert!(matches!(site.state().await, DirectoryState::Foreign(why) if why.contains(words)), "{words}");
        for failed in [site.make(1).await.expect_err("foreign"), site.remove("ours").await.expect_err("foreign")] {
            assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
            assert!(failed.failure.message.contains(words), "{words}: {failed}");
        }
    };
    fs::create_dir(&copy).expect("directory");
    fs::write(copy.join("theirs"), "x").expect("file");
    refused("without our mark").await;
    fs::create_dir(copy.join(".migrate")).expect("directory");
    refused("without our mark").await;
    fs::write(copy.join(".migrate/owner"), "others\n").expect("file");
    refused("belongs to the rollout `others`").await;
    // A mark that is a link is no mark.
    fs::write(outside.join("mark"), "ours\n").expect("file");
    fs::remove_file(copy.join(".migrate/owner")).expect("remove");
    symlink(outside.join("mark"), copy.join(".migrate/owner")).expect("link");
    refused("without our mark").await;
    assert_eq!(fs::read_to_string(copy.join("theirs")).expect("left alone"), "x");
    fs::remove_dir_all(&copy).expect("remove");
    fs::write(&copy, "x").expect("file");
    refused("is not a directory").await;
    fs::remove_file(&copy).expect("remove");
    // A link to a directory that is ours: that directory is not where it should be.
    fs::create_dir(outside.join(".migrate")).expect("directory");
    fs::write(outside.join(".migrate/owner"), "ours\n").expect("file");
    symlink(&outside, &copy).expect("link");
    refused("is a symbolic link").await;
    assert!(outside.join("precious").exists());
}

#[tokio::test]
async fn trees_that_lie_in_each_other_and_trees_that_are_not_there_are_refused() {
    let site = Site::new();
    let refused = async |from: PathBuf, to: PathBuf, words: &str| {
        let to = OwnedDirectory { directory: at(&to), rollout: "ours".parse().expect("a name") };
        let copy = TreeCopy { from: at(&from), to, volatile: volatile(), needed_bytes: 1 };
        let failed = site.writer().copy_tree(&permits::apply(), &copy).await.expect_err("refused");
        assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
        assert!(failed.failure.message.contains(words), "{words}: {failed}");
    };
    let before = site.others();
    // By another name, too.
    let alias = site.home.path().join("alias");
    symlink(site.original(), &alias).expect("link");
    refused(site.original(), alias.join("copy"), "lie in each other").await;
    refused(site.original().join("sub"), site.original(), "lie in each other").await;
    refused(site.home.path().join("missing"), site.copy(), "there is no directory").await;
    refused(site.original(), site.home.path().join("missing/copy"), "there is no directory").await;
    assert_eq!(site.others(), before);
    fs::create_dir(site.original().join(".migrate")).expect("directory");
    refused(site.original(), site.copy(), "holds a .migrate of its own").await;
    assert!(!site.copy().exists());
}

#[tokio::test]
async fn exactly_the_copy_is_removed() {
    let site = Site::new();
    let before = site.others();
    site.make(1).await.expect("copied");
    symlink(site.home.path().join("outside"), site.copy().join("another way out")).expect("link");
    fs::create_dir(site.copy().join("read-only")).expect("directory");
    fs::write(site.copy().join("read-only/file"), "x").expect("file");
    mode(&site.copy().join("read-only"), 0o500);
    mode(&site.copy(), 0o500);
    let failed = site.remove("others").await.expect_err("not theirs");
    assert_eq!(failed.failure.class, FailureClass::Foreign, "{failed}");
    site.remove("ours").await.expect("removed");
    assert_eq!(site.state().await, DirectoryState::Missing);
    assert_eq!(site.others(), before);
    site.remove("ours").await.expect("nothing to do");
    // What a crash leaves of a removal, or of a copy's first moments.
    for marks in [&[][..], &[".migrate"], &[".migrate", ".migrate/part"]] {
        fs::create_dir(site.copy()).expect("directory");
        for mark in marks {
            let path = site.copy().join(mark);
            if mark.ends_with("part") { File::create(path).map(drop) } else { fs::create_dir(path) }.expect("a mark");
        }
        assert_eq!(site.state().await, DirectoryState::Unfinished, "{marks:?}");
        site.remove("ours").await.expect("removed");
        assert_eq!(site.state().await, DirectoryState::Missing, "{marks:?}");
    }
}
