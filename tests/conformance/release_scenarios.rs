//! Room for releases, and releases: everything that can be in the way, and everything that can be wrong with one.

use migrate::core::{FailureClass, Outcome};
use migrate::sim::{Host, SimulatedDirectory};
use migrate::steps::{Condition, Presence};

use super::site;
use super::target_stage::{LIVE, Target};

fn root() -> String {
    format!("{LIVE}.releases")
}

/// The files of ours in the release.
fn release(host: &mut Host) -> &mut SimulatedDirectory {
    let root = format!("{}/", root());
    host.directories.iter_mut().find(|(path, _)| path.starts_with(&root)).unwrap().1
}

/// Everything that must be as it was before anything was done.
fn untouched(target: &Target) -> (String, String, bool) {
    target.on(|host| {
        let services = format!("{:?} {:?}", host.services, host.trees[LIVE]);
        (services, format!("{:?}", host.releases.in_place), host.directories.is_empty())
    })
}

#[tokio::test]
async fn without_the_right_to_the_drop_in_nothing_is_made() {
    let mut target = Target::new().await;
    let before = untouched(&target);
    target.on(|host| host.releases.no_sudo = Some("sudo: a password is required".into()));
    let failed = target.apply("room").await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Denied), "{failed}");
    assert!(failed.failure.message.contains("a password is required") && failed.failure.hint.is_some(), "{failed}");
    assert_eq!(target.probe("room").await, Presence::Absent);
    assert_eq!(untouched(&target), before);
    target.on(|host| host.releases.no_sudo = None);
    target.up("room").await;
}

#[tokio::test]
async fn room_changes_the_unit_and_shares_sessions_and_its_undo_leaves_no_trace() {
    let mut target = Target::new().await;
    let before = untouched(&target);
    target.up("room").await;
    target.on(|host| assert!(host.releases.shared.contains("flask_session") && host.releases.in_place.is_empty()));
    let between = untouched(&target);
    assert_ne!(between.0, before.0, "a drop-in is part of the unit");
    target.down("room").await;
    assert_eq!(untouched(&target), before);
}

#[tokio::test]
async fn half_made_room_is_finished_and_half_made_room_is_cleared() {
    let damages: [fn(&mut Host); 3] = [
        |host| host.releases.may_hand_over = false,
        |host| host.directories.values_mut().for_each(|directory| directory.complete = false),
        |host| host.releases.in_place.extend(["logs".to_owned()]),
    ];
    for damage in damages {
        let mut target = Target::before("package").await;
        target.on(damage);
        assert_eq!(target.probe("room").await, Presence::Ours(Condition::Unfinished));
        assert_eq!(target.probe_blind("room").await, Presence::Ours(Condition::Unfinished));
        assert!(!target.wrong("room").await.is_empty());
        target.up("room").await;
        target.on(damage);
        target.down("room").await;
    }
}

#[tokio::test]
async fn an_application_whose_sessions_would_not_be_shared_is_refused() {
    let mut rollout = site::rollout();
    rollout.application.volatile.retain(|pattern| !pattern.covers("flask_session"));
    let mut target = Target::of(rollout).await;
    let failed = target.apply("room").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean);
    assert!(failed.failure.message.contains("log everyone out") && failed.failure.hint.is_some(), "{failed}");
    assert!(target.stage.world.writes().is_empty());
}

#[tokio::test]
async fn a_directory_or_a_live_path_of_somebody_elses_is_left_alone() {
    for name in ["room", "package", "switch"] {
        let mut target = Target::new().await;
        let tree = target.on(|host| host.trees[LIVE].clone());
        target.on(|host| host.trees.insert(root(), tree));
        let presence = target.probe(name).await;
        assert!(
            matches!(&presence, Presence::Foreign(why) if why.contains("without our mark")),
            "{name}: {presence:?}"
        );
        if name != "switch" {
            let failed = target.apply("room").await.unwrap_err();
            assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{name}");
        }
    }
    for name in ["room", "switch"] {
        let target = Target::new().await;
        target.on(|host| {
            host.releases.live = migrate::ports::LiveTree::Foreign(format!("{LIVE} is a link to /srv/deployed"));
        });
        let presence = target.probe(name).await;
        assert!(matches!(&presence, Presence::Foreign(why) if why.contains("/srv/deployed")), "{name}: {presence:?}");
    }
}

#[tokio::test]
async fn without_room_on_the_disk_nothing_is_built() {
    let mut target = Target::before("package").await;
    target.on(|host| host.free_bytes = 400 << 20);
    let failed = target.apply("package").await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean);
    assert!(failed.failure.message.contains("556 MiB needed") && failed.failure.hint.is_some(), "{failed}");
    assert_eq!(target.probe("package").await, Presence::Absent);
    target.on(|host| host.free_bytes = 8 << 30);
    target.up("package").await;
}

#[tokio::test]
async fn a_release_is_made_from_the_tree_of_the_baseline_or_not_at_all() {
    let mut target = Target::before("package").await;
    target.on(|host| host.trees.get_mut(LIVE).unwrap().digest = migrate::core::Digest::of(b"edited"));
    let failed = target.apply("package").await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::ProtectedChanged), "{failed}");
    assert_eq!(target.probe("package").await, Presence::Absent);
}

#[tokio::test]
async fn names_that_the_bridge_would_hide_are_refused() {
    let mut target = Target::before("package").await;
    target.on(|host| host.files.insert(format!("{LIVE}/migrate_wsgi.py")));
    let failed = target.apply("package").await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign), "{failed}");
    assert!(failed.failure.message.contains("migrate_wsgi.py"), "{failed}");
}

#[tokio::test]
async fn what_arrived_otherwise_than_planned_is_found_and_built_anew() {
    type Damage = (&'static str, fn(&mut SimulatedDirectory));
    let damages: [Damage; 5] = [
        ("migrate_wsgi.py is missing", |release| drop(release.files.remove("migrate_wsgi.py"))),
        ("gunicorn.conf.py is not the plan's", |release| {
            release.files.get_mut("gunicorn.conf.py").unwrap().content = migrate::core::Secret::new("x".into());
        }),
        (".migrate/redis-password has the mode 644, not 600", |release| {
            release.files.get_mut(".migrate/redis-password").unwrap().mode = 0o644;
        }),
        (".migrate/environment is not the plan's", |release| {
            release.files.get_mut(".migrate/environment").unwrap().content = migrate::core::Secret::new("x".into());
        }),
        (".migrate/workers is missing", |release| drop(release.files.remove(".migrate/workers"))),
    ];
    for (words, damage) in damages {
        let mut target = Target::before("switch").await;
        target.on(|host| damage(release(host)));
        let presence = target.probe("package").await;
        assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains(words)), "{presence:?}");
        assert_eq!(target.probe_blind("package").await, Presence::Ours(Condition::Usable), "enough for a rollback");
        let wrong = target.wrong("package").await;
        assert!(wrong.len() == 1 && wrong[0].contains(words), "{words}: {wrong:?}");
        target.down("package").await;
        target.up("package").await;

        // One that serves is not taken away because something is wrong with it: it is said.
        target.up("switch").await;
        target.on(|host| damage(release(host)));
        assert_eq!(target.probe("package").await, Presence::Ours(Condition::Usable));
        assert!(target.wrong("package").await[0].contains(words));
    }
}

#[tokio::test]
async fn a_release_that_is_not_the_original_and_what_is_ours_fails() {
    let mut target = Target::before("switch").await;
    target.on(|host| {
        host.releases.bases.values_mut().for_each(|tree| tree.digest = migrate::core::Digest::of(b"another"));
    });
    let wrong = target.wrong("package").await;
    assert!(wrong.len() == 1 && wrong[0].contains("app.py: its content"), "{wrong:?}");
    target.on(|host| host.directories.retain(|path, _| !path.starts_with(&format!("{}/", root()))));
    assert_eq!(target.probe("package").await, Presence::Absent);
    target.up("package").await;
}

#[tokio::test]
async fn the_applications_own_configuration_is_kept() {
    let mut target = Target::before("package").await;
    target.on(|host| host.files.insert(format!("{LIVE}/gunicorn.conf.py")));
    target.up("package").await;
    target.on(|host| drop(release(host).files.remove(".migrate/gunicorn.original.py")));
    let wrong = target.wrong("package").await;
    assert!(wrong.len() == 1 && wrong[0].contains("is not kept"), "{wrong:?}");
}

#[tokio::test]
async fn the_name_is_the_contents_and_a_new_release_stands_beside_the_one_that_serves() {
    let mut target = Target::before("switch").await;
    let first = target.release();
    // A new token for the store is no other release.
    target.stage.world.edit(|state| state.secrets.values_mut().for_each(|token| *token = "another-token".into()));
    target.up("package").await;
    assert_eq!(target.release(), first);
    target.up("switch").await;
    for fact in [("workers.recommended", "4"), ("cluster.endpoint", "another.example:6379")] {
        let before = target.release();
        target.stage.facts.extend(&migrate::core::Facts::new().with(fact.0, fact.1));
        assert_eq!(target.probe("package").await, Presence::Ours(Condition::Unfinished), "{fact:?}");
        target.up("package").await;
        assert_ne!(target.release(), before, "{fact:?}");
        assert_eq!(target.probe("switch").await, Presence::Ours(Condition::Unfinished), "{fact:?}");
        target.up("switch").await;
    }
    target.on(|host| assert_eq!(host.directories.len(), 4, "the directory, and three releases"));
    for name in ["switch", "package", "room"] {
        target.down(name).await;
    }
    target.on(|host| assert!(host.directories.is_empty()));
}

#[tokio::test]
async fn a_release_that_was_begun_is_finished_or_removed() {
    let mut target = Target::before("switch").await;
    target.on(|host| release(host).complete = false);
    assert_eq!(target.probe("package").await, Presence::Ours(Condition::Unfinished));
    assert_eq!(target.probe_blind("package").await, Presence::Ours(Condition::Unfinished));
    target.up("package").await;
    target.on(|host| release(host).complete = false);
    target.down("package").await;
    target.down("room").await;
}

#[tokio::test]
async fn what_is_in_use_is_not_undone_and_the_next_command_is_named() {
    let mut target = Target::before("nothing").await;
    for name in ["package", "room"] {
        let failed = target.undo(name).await.unwrap_err();
        assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent), "{name}");
        assert!(failed.failure.hint.unwrap().contains("migrate rollback"), "{name}");
    }
    target.down("switch").await;
    let failed = target.undo("room").await.unwrap_err();
    assert!(failed.failure.message.contains("is still in"), "{failed}");
    target.down("package").await;
    target.down("room").await;
}
