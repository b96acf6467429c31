//! Copies that are unfit for more workers: each is caught by its gate.
//!
//! One that stalls is missing: its users have to wait for minutes first. `lab repeat-phase-3` has it, and the simulator.

use super::{lab_after_phase_2, workers};
use crate::hosts::{on_host, original};

/// Makes the copy alone a variant of the application: its `.env` is read by new workers. An old one that stalls is killed.
const SET: &str = "cd /home/ec2-user/ChatMRPT-redis-test && sed -i '/^VARIANT=/d' .env && echo \"VARIANT=$1\" >>.env
master=$(cat .migrate/gunicorn.pid); old=$(pgrep -P $master); kill -HUP $master
for i in $(seq 40); do
    left=; for pid in $old; do kill -0 $pid 2>/dev/null && left=$pid; done
    [ \"$left\" ] || break; sleep 0.05
done
kill -KILL $old 2>/dev/null
for i in $(seq 100); do curl -sf -o /dev/null --max-time 2 http://127.0.0.1:8081/ping && exit 0; sleep 0.1; done; exit 1";

/// Phase 3 has to fail at `step` with these words, and leave the copy with `workers_left`: the last good count, or phase 2's
/// when none was good.
#[track_caller]
fn is_caught(variant: &str, step: &str, workers_left: &str, words: &str) {
    let lab = lab_after_phase_2();
    let before = original(&lab);
    on_host(&lab, "staging", &format!("set -- {variant}\n{SET}"));
    let until_now = lab.journal().len();
    let said = lab.conclude(&["phase", "3"]).expect(5);
    assert!(said.stderr.contains(words), "`{words}` is not in {said:?}");
    let failed = format!("\"type\":\"step_failed\",\"data\":{{\"step\":\"{step}\"");
    assert!(lab.journal()[until_now..].contains(&failed), "{said:?}");
    assert_eq!(workers(&lab).0, workers_left, "{said:?}");
    lab.migrate(&["rollback", "--to", "2"]).expect(0);
    assert_eq!(workers(&lab).0, "2");
    assert_eq!(original(&lab), before);
}

#[test]
fn one_whose_workers_crash() {
    is_caught("crashes", "3.ramp", "2", "the load was taken off: workers end again and again");
}

#[test]
fn one_that_takes_users_for_one_another() {
    is_caught("bleeds", "3.ramp", "2", "users were mixed up");
}

#[test]
fn one_that_keeps_state_in_a_worker() {
    is_caught("per-worker", "3.cross-worker-state", "3", "its state is kept per worker");
}

#[test]
fn one_that_leaks() {
    is_caught("leaks", "3.leak", "3", "a worker's headroom of");
}
