//! `kill -9` at random moments, forward and back; Ctrl-C in the middle of a wait.

use std::time::{Duration, Instant};

use crate::fixture::{Lab, wait_until};

/// How often it is killed on its way, each way.
const KILLS: usize = 8;

/// Kills `migrate` at random moments of its way, then lets it finish.
fn kill_and_finish(lab: &Lab, arguments: &[&str], random: &mut fastrand::Rng) {
    let mut killed = 0;
    for _ in 0..KILLS {
        let mut running = lab.start(arguments);
        let patience = Duration::from_millis(random.u64(50..2_500));
        let deadline = Instant::now() + patience;
        // Waiting for a moment, not for luck: whatever has happened by then, the end must be the same.
        while Instant::now() < deadline && !running.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
        if !running.has_ended() {
            running.signal("KILL");
            killed += 1;
        }
        let said = running.wait();
        assert!(matches!(said.code, -9 | 0), "{said:?}");
    }
    assert!(killed > 0, "nothing was killed: the test proves nothing");
    lab.migrate(arguments).expect(0);
}

#[test]
fn killed_at_random_moments_the_end_is_the_same() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    eprintln!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let lab = Lab::up();

    kill_and_finish(&lab, &["phase", "1"], &mut random);
    lab.assert_made_once();
    lab.migrate(&["check", "--for", "2"]).expect(0);

    kill_and_finish(&lab, &["rollback", "--to", "0"], &mut random);
    lab.assert_nothing_left();
    lab.migrate(&["log"]).expect(0);
}

#[test]
fn a_signal_in_the_middle_of_a_wait_checkpoints_within_two_seconds() {
    let lab = Lab::up();
    lab.control(&["settings", "slow_creating_seconds=60"]);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let running = lab.start_until(&["phase", "1"], "step_started", "1.replication-group");
        // What is being made is not left half made: the wait comes after it.
        wait_until("the store is being created", Duration::from_secs(60), || lab.effects("CreateReplicationGroup") > 0);
        let sent = Instant::now();
        running.signal(name);
        let said = running.wait();
        assert!(sent.elapsed() < Duration::from_secs(2), "{name} took {:?}", sent.elapsed());
        assert_eq!(said.code, code, "{said:?}");
        let status = lab.migrate(&["status", "--output", "json"]).expect(0).json();
        assert_eq!(status["result"]["lock"], serde_json::Value::Null);
        assert_eq!(status["result"]["doing"], format!("phase 1, paused by SIG{name}"));
    }
    // The way back is open in the middle of it too.
    lab.migrate(&["rollback", "--to", "0"]).expect(0);
    lab.assert_nothing_left();
}
