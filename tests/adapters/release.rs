//! Releases on a real sshd, with a small Gunicorn that can be switched. With the real one, a load balancer and users the same
//! is done in the lab: `lab/tests/test_switch_in_place.py`.

use std::fs;
use std::os::unix::fs::symlink;

use migrate::core::{Digest, FailureClass, Outcome};
use migrate::ports::{DirectoryState, LiveTree, ReleaseName};

use crate::release_site::{SECRET, Site};
use crate::support::until::until;

#[tokio::test]
async fn there_and_back_and_nothing_is_left() {
    let site = Site::start();
    let (before, first) = (site.tree().await, site.facts().await);
    assert_eq!((&first.room.directory, &first.live), (&DirectoryState::Missing, &LiveTree::Original));
    assert_eq!(first.room.in_place, ["flask_session"]);
    assert!(!first.room.may_hand_over && first.has_original && first.releases.is_empty());
    let running = first.running.expect("it runs");
    assert_eq!((running.tree, running.workers.len(), running.beside.len()), (LiveTree::Original, 2, 0));

    site.make_room().await.expect("room");
    site.make_room().await.expect("it is there already");
    let room = site.facts().await.room;
    assert_eq!((room.directory, room.in_place, room.may_hand_over), (DirectoryState::Complete, vec![], true));
    // What the application would make one day is made, unless its name is rather one of a file.
    assert_eq!(room.shared, ["flask_session", "logs", "uploads"]);
    let session = || fs::read_to_string(site.live().join("flask_session/one")).expect("a session");
    assert_eq!(session(), "a session");

    let name = site.build("# new\n").await.expect("built");
    let release = site.releases().join(name.as_str());
    let token = || fs::read_to_string(release.join(".migrate/trial-token")).expect("a token");
    let drawn = token();
    site.build("# new\n").await.expect("it is there already");
    assert_eq!((token(), drawn.len()), (drawn.clone(), 33));
    assert_eq!(fs::read_to_string(release.join("gunicorn.conf.py")).expect("ours"), "# ours\n");
    assert_eq!(fs::read_to_string(release.join(".migrate/gunicorn.original.py")).expect("theirs"), "workers = 2\n");
    assert_eq!(
        fs::read_link(release.join("flask_session")).expect("a link"),
        site.releases().join("shared/flask_session")
    );
    assert!(release.join("sub/logs").is_dir() && !release.join("sub/logs/deep").exists());
    assert!(!release.join("gunicorn.pid").exists());

    site.switch(&name).await.expect("switched");
    let there = site.facts().await;
    let running = there.running.expect("it runs");
    assert_eq!((&there.live, &running.tree), (&LiveTree::Release(name.clone()), &LiveTree::Release(name.clone())));
    assert!(running.beside.is_empty() && there.has_original && there.releases == [name.clone()]);
    site.switch(&name).await.expect("it serves already");
    assert_eq!(site.facts().await.running.expect("it runs").master, running.master);
    assert_eq!(session(), "a session");
    for refused in [site.remove_releases().await, site.clear_room().await] {
        let refused = refused.expect_err("it is in use");
        assert_eq!(refused.outcome, Outcome::Clean, "{refused}");
        assert!(refused.failure.message.contains("switch back first"), "{refused}");
    }
    // One that was changed behind our back is not changed while it is in use.
    fs::write(release.join("run.py"), "# changed\n").expect("a change");
    let refused = site.build("# new\n").await.expect_err("it is in use");
    assert_eq!((refused.outcome, refused.failure.class), (Outcome::Clean, FailureClass::Foreign), "{refused}");

    site.back().await.expect("back");
    site.back().await.expect("it serves already");
    let back = site.facts().await;
    assert_eq!((back.live, back.running.expect("it runs").tree), (LiveTree::Original, LiveTree::Original));
    site.build("# new\n").await.expect("mended");
    assert_eq!(fs::read_to_string(release.join("run.py")).expect("an entry"), "# new\n");
    site.remove_releases().await.expect("removed");
    site.remove_releases().await.expect("nothing to remove");
    site.clear_room().await.expect("cleared");
    site.clear_room().await.expect("nothing to clear");
    assert!(!site.releases().exists() && !site.facts().await.room.may_hand_over);
    assert_eq!((site.tree().await.digest, session()), (before.digest, "a session".to_owned()));
    assert!(!site.live().join("uploads").exists() && site.live().join("sub/logs/deep").exists());
}

#[tokio::test]
async fn a_release_that_does_not_start_changes_nothing_and_says_why() {
    let site = Site::start();
    site.make_room().await.expect("room");
    let master = site.facts().await.running.expect("it runs").master;
    let entry = "import os\nraise RuntimeError('no redis for ' + os.environ['SECRET_KEY'])\n";
    let name = site.build(entry).await.expect("built");
    let failed = site.switch(&name).await.expect_err("it does not start");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{failed}");
    assert!(failed.failure.message.contains("RuntimeError: no redis for [redacted]"), "{failed}");
    assert!(!format!("{failed:?}").contains(SECRET) && failed.failure.hint.is_some(), "{failed}");
    let after = site.facts().await;
    let running = after.running.expect("it runs");
    assert_eq!((after.live, running.master, running.beside), (LiveTree::Original, master, vec![]));

    let nowhere = ReleaseName::of(&Digest::of(b"nowhere"));
    let failed = site.switch(&nowhere).await.expect_err("there is none");
    assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
    assert!(failed.failure.message.contains("no whole release"), "{failed}");
}

/// A switch that is interrupted when the live path names the release and no worker of it serves yet.
async fn interrupted(site: &Site, interrupt: impl Fn()) -> ReleaseName {
    site.make_room().await.expect("room");
    let name = site.build("import time\ntime.sleep(8)\n").await.expect("built");
    let cut = async {
        until("the live path is the release", async || site.facts().await.live != LiveTree::Original).await;
        interrupt();
    };
    let (lost, ()) = tokio::join!(site.switch(&name), cut);
    assert_eq!(lost.expect_err("the connection is gone").outcome, Outcome::Unknown);
    name
}

#[tokio::test]
async fn a_switch_that_lost_its_caller_comes_to_its_end() {
    let site = Site::start();
    let name = interrupted(&site, || site.cut_connections()).await;
    until("the release runs alone", async || {
        let running = site.facts().await.running.expect("it runs");
        running.tree == LiveTree::Release(name.clone()) && running.beside.is_empty()
    })
    .await;
    site.back().await.expect("back");
}

#[tokio::test]
async fn a_switch_that_was_killed_is_finished_by_the_same_call_and_undone_by_the_opposite_one() {
    for finish in [true, false] {
        let site = Site::start();
        let name = interrupted(&site, || site.sshd.kill_sessions()).await;
        let before = site.facts().await;
        assert_eq!(before.live, LiveTree::Release(name.clone()));
        assert_eq!(before.running.map(|running| running.tree), Some(LiveTree::Original));
        let wanted = if finish {
            site.switch(&name).await.expect("the same call, again");
            LiveTree::Release(name)
        } else {
            site.back().await.expect("back");
            LiveTree::Original
        };
        let after = site.facts().await;
        let running = after.running.expect("it runs");
        assert_eq!((after.live, running.tree, running.beside), (wanted.clone(), wanted, vec![]));
    }
}

#[tokio::test]
async fn what_is_not_possible_is_refused_before_anything_is_written() {
    let site = Site::start();
    let refused = async |what: &str| {
        let failed = site.make_room().await.expect_err(what);
        assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
        assert!(failed.failure.message.contains(what), "{failed}");
        failed.failure
    };
    fs::write(site.sshd.path("refuse"), "").expect("a file");
    let failure = refused("is not allowed on this host").await;
    assert!(failure.hint.is_some_and(|hint| hint.contains("sudoers")));
    fs::remove_file(site.sshd.path("refuse")).expect("remove");

    symlink("../../elsewhere", site.live().join("sub/leads-out")).expect("a link");
    symlink("../run.py", site.live().join("sub/stays")).expect("a link");
    refused("sub/leads-out leads out of").await;
    fs::remove_file(site.live().join("sub/leads-out")).expect("remove");
    assert!(!site.releases().exists());

    fs::create_dir(site.releases()).expect("a directory");
    fs::write(site.releases().join("theirs"), "").expect("a file");
    assert_eq!(refused("without our mark").await.class, FailureClass::Foreign);
    assert!(matches!(site.facts().await.room.directory, DirectoryState::Foreign(_)));
    fs::remove_dir_all(site.releases()).expect("remove");
    let failed = site.build("").await.expect_err("no room");
    assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
    site.make_room().await.expect("room");

    // What is somebody else's is not removed with the room.
    fs::create_dir(site.releases().join("theirs")).expect("a directory");
    fs::write(site.releases().join("theirs/file"), "").expect("a file");
    let failed = site.clear_room().await.expect_err("a stranger");
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
}

#[tokio::test]
async fn gunicorns_configuration_is_the_one_its_command_line_names() {
    for (options, why) in [
        (["--config", "/etc/gunicorn.py"], "/etc/gunicorn.py lies outside of"),
        (["-c", "python:settings"], "is the module settings"),
    ] {
        let site = Site::with(&options);
        site.make_room().await.expect("room");
        let failed = site.build("").await.expect_err(why);
        assert_eq!(failed.outcome, Outcome::Clean, "{failed}");
        assert!(failed.failure.message.contains(why), "{failed}");
    }
    let site = Site::with(&["-c", "sub/settings.py"]);
    fs::write(site.live().join("sub/settings.py"), "workers = 5\n").expect("a file");
    site.make_room().await.expect("room");
    let release = site.releases().join(site.build("").await.expect("built").as_str());
    let read = |name: &str| fs::read_to_string(release.join(name)).expect("a file");
    assert_eq!(read("sub/settings.py"), "# ours\n");
    assert_eq!(read(".migrate/gunicorn.original.py"), "workers = 5\n");
    assert_eq!(read("gunicorn.conf.py"), "workers = 2\n", "the other one is the application's own affair");
}
