//! The copy's process: every way in which what is read back is not what was told.

use migrate::core::{FailureClass, Outcome, StepId, Verdict};
use migrate::ports::{DetachedFacts, ProcessFacts};
use migrate::sim::Host;
use migrate::steps::{Change, Condition, Presence};

use super::site;
use super::stage::Stage;

const KIND: &str = "copy_process";
const ORIGINAL: &str = "/home/ec2-user/ChatMRPT";

async fn stage() -> (Stage, StepId, Box<dyn Change>) {
    let stage = Stage::before(KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    (stage, id, step)
}

/// Words, and what makes them come.
type Case = (&'static str, fn(&mut DetachedFacts));

fn staging(stage: &Stage, change: impl FnOnce(&mut Host)) {
    let host = stage.plan.rollout().staging.host.clone();
    stage.world.edit(|state| change(state.hosts.get_mut(host.as_str()).unwrap()));
}

/// What is wrong with a copy that does something else than it was told.
async fn wrong(habit: fn(&mut DetachedFacts)) -> Vec<String> {
    let (mut stage, id, step) = stage().await;
    staging(&stage, |host| host.gunicorn_habit = Some(habit));
    stage.apply(&id, &*step).await.unwrap();
    let measured = stage.verify(&*step).await;
    let bad = measured.iter().filter(|measurement| measurement.verdict == Verdict::Abort);
    let bad = bad.map(|measurement| measurement.summary.clone()).collect();
    stage.take_down(&id, &*step).await;
    bad
}

#[tokio::test]
async fn each_way_of_not_being_as_told_is_found_and_named() {
    let cases: [Case; 12] = [
        ("writes into the original's /home/ec2-user/ChatMRPT/logs/error.log", |copy| {
            copy.written_files.push(format!("{ORIGINAL}/logs/error.log"));
        }),
        ("runs 1 workers, not 2", |copy| copy.workers.truncate(1)),
        ("runs 3 workers, not 2", |copy| {
            let worker = ProcessFacts { pid: 7, ..copy.workers[0] };
            copy.workers.push(worker);
        }),
        ("listens on 0.0.0.0:8081, not on 127.0.0.1:8081 alone", |copy| copy.listening = vec!["0.0.0.0:8081".into()]),
        ("listens on 127.0.0.1:8081, 127.0.0.1:9000", |copy| copy.listening.push("127.0.0.1:9000".into())),
        ("runs on /usr/bin/python3.9, the original on /usr/bin/python3.11", |copy| {
            copy.executable = "/usr/bin/python3.9".into();
        }),
        ("lacks --access-logfile", |copy| copy.command_line.retain(|word| word != "--access-logfile")),
        ("lacks --bind 127.0.0.1:8081", |copy| {
            copy.command_line.extend(["--bind".into(), "0.0.0.0:8081".into(), "migrate_wsgi:app".into()]);
        }),
        ("lacks migrate_wsgi:app", |copy| *copy.command_line.last_mut().unwrap() = "app:app".into()),
        ("MIGRATE_SESSIONS_WRITE is missing", |copy| drop(copy.environment.remove("MIGRATE_SESSIONS_WRITE"))),
        ("MIGRATE_SESSIONS_KEY_PREFIX has another value", |copy| {
            copy.environment.insert("MIGRATE_SESSIONS_KEY_PREFIX".into(), "session:".into());
        }),
        ("is chatmrpt.service itself", |copy| copy.master.pid = 1_000),
    ];
    for (words, habit) in cases {
        let bad = wrong(habit).await;
        assert_eq!(bad.len(), 1, "{words}: {bad:?}");
        assert!(bad[0].contains(words), "{words}: {bad:?}");
    }
}

#[tokio::test]
async fn a_directory_whose_name_begins_like_the_originals_is_another_one() {
    let bad = wrong(|copy| copy.written_files.push(format!("{ORIGINAL}-redis-test/uploads/x"))).await;
    assert!(bad.is_empty(), "{bad:?}");
}

#[tokio::test]
async fn an_original_that_was_restarted_or_stopped_is_found() {
    type OfHost = (&'static str, fn(&mut Host));
    let cases: [OfHost; 2] = [
        ("was restarted", |host| {
            host.services.values_mut().for_each(|service| service.started_ticks = Some(9));
        }),
        ("does not run any more", |host| host.services.values_mut().for_each(|service| service.active = false)),
    ];
    for (words, change) in cases {
        let (mut stage, id, step) = stage().await;
        stage.bring_up(&id, &*step).await;
        staging(&stage, change);
        let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
        let worst = measured.iter().max_by_key(|measurement| measurement.verdict).unwrap();
        assert_eq!(worst.verdict, Verdict::Abort);
        assert!(worst.summary.contains(words), "{}", worst.summary);
    }
}

#[tokio::test]
async fn a_copy_that_does_not_start_says_what_it_logged_and_leaves_nothing() {
    let (mut stage, id, step) = stage().await;
    staging(&stage, |host| host.gunicorn_fails = Some("ModuleNotFoundError: No module named 'redis'".into()));
    let failed = stage.apply(&id, &*step).await.unwrap_err();
    assert_eq!((failed.outcome, failed.failure.class), (Outcome::Clean, FailureClass::Permanent));
    assert!(failed.failure.message.contains("No module named 'redis'"), "{failed}");
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
    staging(&stage, |host| host.gunicorn_fails = None);
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn a_copy_that_died_is_absent_and_started_again() {
    let (mut stage, id, step) = stage().await;
    stage.bring_up(&id, &*step).await;
    staging(&stage, |host| {
        let pid_file = host.gunicorns.keys().next().unwrap().clone();
        host.end_gunicorn(&pid_file);
    });
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert_eq!(measured[0].verdict, Verdict::Abort);
    assert!(measured[0].summary.contains("does not run any more"), "{}", measured[0].summary);
    assert_eq!(stage.probe(&*step).await, Presence::Absent);
    stage.bring_up(&id, &*step).await;
}

#[tokio::test]
async fn a_copy_that_is_of_no_use_is_broken_and_replaced() {
    let cases: [Case; 3] = [
        ("does not listen on port 8081", |copy| copy.listening.clear()),
        ("has no worker", |copy| copy.workers.clear()),
        ("MIGRATE_SESSIONS_HEADER has another value", |copy| {
            copy.environment.insert("MIGRATE_SESSIONS_HEADER".into(), "no".into());
        }),
    ];
    for (words, change) in cases {
        let (mut stage, id, step) = stage().await;
        stage.bring_up(&id, &*step).await;
        staging(&stage, |host| host.gunicorns.values_mut().for_each(change));
        let presence = stage.probe(&*step).await;
        assert!(matches!(&presence, Presence::Ours(Condition::Broken(why)) if why.contains(words)), "{presence:?}");
        staging(&stage, |host| host.listening.retain(|port| *port != 8081));
        stage.take_down(&id, &*step).await;
        stage.bring_up(&id, &*step).await;
    }
}

#[tokio::test]
async fn variables_of_the_rollout_are_the_copys_and_their_values_are_not_shown() {
    let mut rollout = site::rollout();
    rollout.staging.copy.environment.insert("COLOR".into(), "do-not-show-this".into());
    let mut stage = Stage::before_in(site::plan(rollout), KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.bring_up(&id, &*step).await;
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    let shown = format!("{measured:?}");
    assert!(shown.contains("COLOR") && !shown.contains("do-not-show-this"), "{shown}");
    staging(&stage, |host| {
        let copies = host.gunicorns.values_mut();
        copies.for_each(|copy| drop(copy.environment.insert("COLOR".into(), "another-one".into())));
    });
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    let shown = format!("{measured:?}");
    assert!(shown.contains("COLOR has another value") && !shown.contains("another-one"), "{shown}");
}

#[tokio::test]
async fn the_workers_are_as_many_as_the_step_says() {
    let plan = site::plan_with(site::rollout(), |step| {
        if step.kind.as_str() == KIND {
            step.settings["workers"] = 4.into();
        }
    });
    let mut stage = Stage::before_in(plan, KIND).await;
    let (id, step) = (stage.id(KIND), stage.change(KIND));
    stage.bring_up(&id, &*step).await;
    let measured = step.verify(&stage.reader(&stage.facts), &stage.facts).await.unwrap();
    assert!(measured[0].summary.contains("runs 4 workers"), "{}", measured[0].summary);
}
