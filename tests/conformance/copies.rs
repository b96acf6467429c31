//! What only the copy on staging does: room, a half copy, a copy that differs, files of the application's own, secrets.

use migrate::core::{Digest, FailureClass, Measurement, Outcome, StepId, Verdict};
use migrate::ports::{DirectoryState, OwnedDirectory, TargetsRead, WriteFailure};
use migrate::sim::{Host, SimulatedDirectory};
use migrate::steps::{Change, Condition, DiffAction, Presence};

use super::site;
use super::stage::Stage;

const COPY: &str = "/home/ec2-user/ChatMRPT-redis-test";

fn staging<T>(stage: &Stage, change: impl FnOnce(&mut Host) -> T) -> T {
    stage.world.edit(|state| change(state.hosts.get_mut("18.117.115.217").unwrap()))
}

fn directory<T>(stage: &Stage, change: impl FnOnce(&mut SimulatedDirectory) -> T) -> T {
    staging(stage, |host| change(host.directories.get_mut(COPY).unwrap()))
}

async fn at(kind: &str) -> (Stage, StepId, Box<dyn Change>) {
    let stage = Stage::before(kind).await;
    let (id, step) = (stage.id(kind), stage.change(kind));
    (stage, id, step)
}

async fn standing(kind: &str) -> (Stage, StepId, Box<dyn Change>) {
    let (mut stage, id, step) = at(kind).await;
    stage.bring_up(&id, &*step).await;
    (stage, id, step)
}

async fn verified(stage: &Stage, step: &dyn Change) -> Vec<Measurement> {
    step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap()
}

/// The one measurement that is not a pass.
async fn bad(stage: &Stage, step: &dyn Change) -> Measurement {
    let measured = verified(stage, step).await;
    let mut bad: Vec<Measurement> = measured.into_iter().filter(|one| !one.verdict.passes()).collect();
    assert_eq!(bad.len(), 1, "{bad:?}");
    assert_eq!((bad[0].verdict, bad[0].resource.as_str()), (Verdict::Abort, "staging"));
    bad.remove(0)
}

fn foreign(presence: &Presence, words: &str) {
    assert!(matches!(presence, Presence::Foreign(whose) if whose.contains(words)), "{presence:?}");
}

fn broken(presence: &Presence, words: &str) {
    assert!(matches!(presence, Presence::Ours(Condition::Broken(why)) if why.contains(words)), "{words}: {presence:?}");
}

#[tokio::test]
async fn a_plan_says_how_much_it_copies_when_that_can_be_seen() {
    let (stage, _, step) = at("application_copy").await;
    let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
    assert!(diff.lines[0].what.contains("(420 files, at most 300 MiB)"), "{diff:?}");
    stage.world.fail_always("target.tree", migrate::sim::Fault::Deny);
    let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
    assert!(diff.lines[0].what.ends_with("a copy of /home/ec2-user/ChatMRPT"), "{diff:?}");
}

#[tokio::test]
async fn without_room_nothing_is_written() {
    let (mut stage, id, step) = at("application_copy").await;
    // The tree's 300 MiB, and what stays free for the application.
    staging(&stage, |host| host.free_bytes = (556 << 20) - 1);
    let WriteFailure { outcome, failure } = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!((outcome, failure.class), (Outcome::Clean, FailureClass::Permanent), "{failure}");
    assert!(failure.message.contains("556 MiB needed") && failure.hint.is_some(), "{failure:?}");
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
    staging(&stage, |host| host.free_bytes = 556 << 20);
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn a_half_copy_is_gone_on_with_or_removed() {
    let (mut stage, id, step) = standing("application_copy").await;
    directory(&stage, |directory| directory.complete = false);
    for presence in [stage.probe(&*step).await, stage.probe_blind(&*step).await] {
        assert_eq!(presence, Presence::Ours(Condition::Unfinished));
    }
    let diff = step.plan(&stage.reader(&stage.facts)).await.unwrap();
    assert_eq!(diff.lines[0].action, DiffAction::Create, "{diff:?}");
    stage.apply(&id, &*step).await.unwrap();
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Usable));
    directory(&stage, |directory| directory.complete = false);
    stage.take_down(&id, &*step).await;
    assert_eq!(staging(&stage, |host| host.directories.len()), 0);
}

#[tokio::test]
async fn a_directory_without_our_mark_is_left_alone() {
    let (mut stage, id, step) = at("application_copy").await;
    staging(&stage, |host| {
        let tree = host.trees.values().next().cloned().unwrap();
        host.trees.insert(COPY.into(), tree);
    });
    foreign(&stage.probe(&*step).await, "without our mark");
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Foreign));
    let failed = stage.undo(&id, &*step).await.unwrap_err();
    assert_eq!(failed.failure.class, FailureClass::Foreign);
    assert!(staging(&stage, |host| host.trees.contains_key(COPY)));
}

#[tokio::test]
async fn a_copy_that_differs_does_not_pass_and_says_in_what() {
    let (stage, _, step) = standing("application_copy").await;
    staging(&stage, |host| host.trees.get_mut(COPY).unwrap().digest = Digest::of(b"edited"));
    let found = bad(&stage, &*step).await;
    for words in ["differs from /home/ec2-user/ChatMRPT", "app.py: its content", "application.volatile"] {
        assert!(found.summary.contains(words), "{words}: {}", found.summary);
    }
    staging(&stage, |host| host.trees.get_mut(COPY).unwrap().digest = Digest::of(b"ChatMRPT"));
    assert!(verified(&stage, &*step).await.iter().all(|measured| measured.verdict.passes()));
    staging(&stage, |host| host.trees.get_mut(COPY).unwrap().files = 419);
    assert!(bad(&stage, &*step).await.summary.contains("419 files against 420"));
}

#[tokio::test]
async fn a_copy_that_cannot_be_imported_does_not_pass() {
    let (stage, _, step) = standing("application_copy").await;
    let problem = "ModuleNotFoundError: No module named 'secrets_local'";
    staging(&stage, |host| host.import_problem = Some(problem.into()));
    let found = bad(&stage, &*step).await;
    assert!(found.summary.contains("cannot be imported") && found.summary.contains(problem), "{}", found.summary);
}

#[tokio::test]
async fn the_bridge_hides_nothing_of_the_applications() {
    for name in ["migrate_wsgi.py", "migrate_sessions"] {
        let (stage, _, step) = at("session_bridge").await;
        staging(&stage, |host| host.files.insert(format!("/home/ec2-user/ChatMRPT/{name}")));
        for presence in [stage.probe(&*step).await, stage.probe_blind(&*step).await] {
            foreign(&presence, name);
            foreign(&presence, "rename it");
        }
    }
}

#[tokio::test]
async fn a_bridge_that_is_not_the_plans_is_replaced() {
    let (mut stage, id, step) = standing("session_bridge").await;
    directory(&stage, |directory| directory.files.remove("migrate_wsgi.py").unwrap());
    broken(&stage.probe(&*step).await, "migrate_wsgi.py is missing");
    assert!(bad(&stage, &*step).await.summary.contains("migrate_wsgi.py is missing"));
    stage.take_down(&id, &*step).await;
    stage.bring_up(&id, &*step).await;
    directory(&stage, |directory| {
        let other = directory.files["migrate_wsgi.py"].clone();
        directory.files.insert("migrate_sessions/store.py".into(), other);
    });
    broken(&stage.probe(&*step).await, "migrate_sessions/store.py is not the plan's");
    stage.take_down(&id, &*step).await;
    stage.bring_up(&id, &*step).await;
    directory(&stage, |directory| directory.files.values_mut().for_each(|file| file.mode = 0o666));
    broken(&stage.probe(&*step).await, "has the mode 666, not 644, and ");
}

#[tokio::test]
async fn a_bridge_that_cannot_be_imported_does_not_pass() {
    let (stage, _, step) = standing("session_bridge").await;
    staging(&stage, |host| {
        let problem = Some("ImportError: redis is not installed".to_owned());
        let facts = migrate::ports::ModuleFacts { name: "migrate_sessions".into(), version: None, problem };
        host.modules.insert("migrate_sessions".into(), facts);
    });
    assert!(bad(&stage, &*step).await.summary.contains("redis is not installed"));
}

#[tokio::test]
async fn a_bridge_other_than_the_planned_one_is_not_installed() {
    let plan = site::plan(site::rollout());
    let mut stage = Stage::before_in(plan, "session_bridge").await;
    let mut files = site::installed();
    files.insert("session_bridge/migrate_wsgi.py".into(), b"import os\n".to_vec());
    stage.installs(files);
    let (id, step) = (stage.id("session_bridge"), stage.change("session_bridge"));
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!(failed.outcome, Outcome::Clean);
    assert!(failed.failure.message.contains("not what the plan was made from"), "{failed}");
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
}

#[tokio::test]
async fn the_settings_are_for_their_owner_alone() {
    let (stage, _, step) = standing("copy_configuration").await;
    let token = stage.token();
    directory(&stage, |directory| {
        assert_eq!(directory.files[".migrate/redis-password"].content.expose(), token);
        assert_eq!(directory.files[".migrate/trial-token"].content.expose().len(), 64);
        let environment = directory.files[".migrate/environment"].content.expose().to_owned();
        assert!(environment.contains("MIGRATE_SESSIONS_REDIS_URL=rediss://") && !environment.contains(&token));
        assert!(directory.files.iter().filter(|(path, _)| path.starts_with(".migrate/")).all(|(_, f)| f.mode == 0o600));
        directory.files.get_mut(".migrate/redis-password").unwrap().mode = 0o640;
    });
    broken(&stage.probe(&*step).await, ".migrate/redis-password has the mode 640, not 600");
    assert!(bad(&stage, &*step).await.summary.contains("mode 640"));
}

#[tokio::test]
async fn settings_for_another_store_are_replaced_but_a_rotated_token_is_none_of_our_business() {
    let (mut stage, id, step) = standing("copy_configuration").await;
    directory(&stage, |directory| {
        let other = migrate::core::Secret::new("rotated".into());
        directory.files.get_mut(".migrate/redis-password").unwrap().content = other;
    });
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Usable));
    stage.facts.extend(&migrate::core::Facts::new().with("cluster.endpoint", "another.example:6379"));
    broken(&stage.probe(&*step).await, ".migrate/environment holds something else");
    assert_eq!(stage.probe_blind(&*step).await, Presence::Ours(Condition::Usable), "what it should hold is not known");
    stage.take_down(&id, &*step).await;
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn the_authority_goes_with_the_settings_and_a_rollback_does_not_need_it() {
    let directory_here = tempfile::tempdir().unwrap();
    let file = directory_here.path().join("ca.pem");
    std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n").unwrap();
    let mut rollout = site::rollout();
    rollout.cache.tls.ca_file = Some(file.display().to_string());
    let mut stage = Stage::before_in(site::plan(rollout), "copy_configuration").await;
    let (id, step) = (stage.id("copy_configuration"), stage.change("copy_configuration"));
    stage.bring_up(&id, &*step).await;
    directory(&stage, |directory| assert_eq!(directory.files[".migrate/redis-ca.pem"].mode, 0o644));
    std::fs::write(&file, "another").unwrap();
    broken(&stage.probe(&*step).await, ".migrate/redis-ca.pem holds something else");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(stage.probe(&*step).await, Presence::Ours(Condition::Usable));
    let failure = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap_err();
    assert!(failure.message.contains("ca.pem") && failure.hint.is_some(), "{failure:?}");
    stage.take_down(&id, &*step).await;
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert!(failed.outcome == Outcome::Clean && failed.failure.message.contains("ca.pem"), "{failed}");
}

#[tokio::test]
async fn a_store_without_a_token_gets_no_file_for_one() {
    let mut rollout = site::rollout();
    rollout.cache.auth = migrate::core::rollout::CacheAuth::None;
    let mut stage = Stage::before_in(site::plan(rollout), "copy_configuration").await;
    let (id, step) = (stage.id("copy_configuration"), stage.change("copy_configuration"));
    stage.bring_up(&id, &*step).await;
    directory(&stage, |directory| {
        assert!(!directory.files.contains_key(".migrate/redis-password"));
        let left = directory.files[".migrate/trial-token"].clone();
        directory.files.insert(".migrate/redis-password".into(), left);
    });
    broken(&stage.probe(&*step).await, "redis-password is there, and must not be");
    stage.take_down(&id, &*step).await;
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
}

#[tokio::test]
async fn nothing_is_installed_where_there_is_no_copy() {
    for kind in ["session_bridge", "copy_configuration"] {
        let (mut stage, id, step) = at(kind).await;
        let place = OwnedDirectory { directory: COPY.parse().unwrap(), rollout: site::rollout().name };
        staging(&stage, |host| host.directories.clear());
        staging(&stage, |host| host.trees.remove(COPY));
        let reader = stage.world.reader(&site::rollout().staging.host);
        assert_eq!(reader.owned_directory(&place).await.unwrap(), DirectoryState::Missing);
        let failed = stage.apply(&id, &*step).await.unwrap_err();
        assert_eq!(failed.outcome, Outcome::Clean, "{kind}: {failed}");
        assert_eq!(stage.probe(&*step).await, Presence::Absent, "{kind}");
    }
}
