//! A process that dies, really: this test binary runs itself, takes the lock, and is killed.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use migrate::core::{Event, Holder, RunId};
use migrate::journal::{LockState, StateDirectory, inspect_lock};
use migrate::ports::JournalFault;

use crate::support::{at, plan};
use crate::workshop::{open, open_in};

/// Says to the child where the directory is, and so that it is the child.
const PLACE: &str = "MIGRATE_TEST_CHILD";

/// What the child says when it holds the lock and has written.
const READY: &str = "the child holds the lock";

/// The child's part. In the parent's run there is no directory, and nothing happens but that check.
#[test]
fn the_child_takes_the_lock_and_waits_to_be_killed() {
    let Some(place) = std::env::var_os(PLACE) else {
        assert!(std::env::args().all(|argument| argument != READY));
        return;
    };
    let directory = StateDirectory::new(place.into());
    let store = directory.open_journal(Holder::new("the child"), "to be killed", at(0)).expect("free");
    let mut ledger = open(store).expect("empty");
    let plan = plan(Vec::new()).digest().clone();
    ledger.append(Event::RunOpened { run: RunId::new("run"), rollout: "r".into(), plan }).expect("legal");
    println!("{READY}");
    // Held until the kill; the parent's pipe ends it should the parent die first.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("a pipe");
}

fn child(directory: &StateDirectory) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "child::the_child_takes_the_lock_and_waits_to_be_killed", "--nocapture"])
        .env(PLACE, directory.root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let said = output.lines().map_while(Result::ok).any(|line| line.contains(READY));
    assert!(said, "the child ended without taking the lock");
    child
}

#[test]
fn a_killed_holder_lets_go_and_its_events_stay() {
    let place = tempfile::tempdir().expect("a directory");
    let directory = StateDirectory::new(place.path().join(".migrate"));
    let mut child = child(&directory);
    let Err(JournalFault::Locked { holder, reason, .. }) = open_in(&directory).map(|_| ()) else {
        panic!("the child holds it")
    };
    assert_eq!((holder.as_str(), reason.as_str()), ("the child", "to be killed"));
    // SIGKILL: no destructor runs.
    child.kill().expect("it was alive");
    child.wait().expect("it is dead");
    assert_eq!(inspect_lock(&directory.lock_path()), Ok(LockState::Free));
    let ledger = open_in(&directory).expect("a dead process holds nothing");
    assert_eq!(ledger.state().run(), Some(&RunId::new("run")), "what it wrote is durable");
    assert_eq!(ledger.state().fence().0, 2);
    assert!(ledger.warnings().is_empty());
}
