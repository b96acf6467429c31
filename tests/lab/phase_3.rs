//! Phase 3: worker counts under load on the copy, forward and back from several points; and every way in which a copy can
//! be unfit for more workers.

use std::time::{Duration, Instant};

use crate::fixture::{Lab, Said, signal};
use crate::phase_2::{edit_rollout, on_host, original};
use crate::turns::turn_to_measure;

/// The copy as it was left: how many workers it was told to have and has, whether it answers, its files and ours in it.
const COPY: &str = "cd /home/ec2-user/ChatMRPT-redis-test && master=$(cat .migrate/gunicorn.pid)
tr '\\0' '\\n' </proc/$master/cmdline; pgrep -P $master | wc -l
curl -s --max-time 5 http://127.0.0.1:8081/ping
sha256sum .migrate/environment .migrate/redis-password .migrate/trial-token
find . -path ./flask_session -prune -o -path ./logs -prune -o -path ./.migrate -prune -o -name __pycache__ -prune \
    -o -name '*.pid' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum";

/// Makes the copy alone a variant of the application: its `.env` is read by new workers, and one that stalls has to be
/// ended.
const SET: &str = "cd /home/ec2-user/ChatMRPT-redis-test && sed -i '/^VARIANT=/d' .env && echo \"VARIANT=$1\" >>.env
master=$(cat .migrate/gunicorn.pid); old=$(pgrep -P $master); kill -HUP $master; sleep 2; kill -KILL $old 2>/dev/null
for i in $(seq 100); do curl -sf -o /dev/null --max-time 2 http://127.0.0.1:8081/ping && exit 0; sleep 0.1; done; exit 1";

/// A lab in which phase 2 has passed, and whose phase 3 is short: two counts, and half the time for leaks.
pub fn lab_after_phase_2() -> Lab {
    let lab = Lab::up();
    // This is not about the comparison: it is short, and a busy machine has to pass it.
    edit_rollout(&lab, "rounds: 8, round: 3s,", "rounds: 6, round: 1s,");
    edit_rollout(&lab, "slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%");
    edit_rollout(&lab, "more_errors: 2%", "more_errors: 5%");
    edit_rollout(&lab, "worker_counts: [2, 3, 4]", "worker_counts: [2, 3]");
    edit_rollout(&lab, "minimum_time: 100s", "minimum_time: 60s");
    // A window that counts takes more users than a test of bad releases lets in.
    edit_rollout(&lab, "soak: { duration: 60s", "soak: { duration: 20s, requests_per_window: 60");
    lab.migrate(&["phase", "1"]).expect(0);
    lab.migrate(&["phase", "2"]).expect(0);
    lab
}

/// How many workers the copy was told to have, and has; nothing while it is between two counts.
fn workers(lab: &Lab) -> (String, String) {
    let script = "master=$(cat ChatMRPT-redis-test/.migrate/gunicorn.pid); pgrep -P $master | wc -l
        tr '\\0' '\\n' </proc/$master/cmdline | grep -A1 -x -e --workers | tail -1; true";
    let said = on_host(lab, "staging", script);
    let (running, told) = said.trim().split_once('\n').unwrap_or_default();
    (told.to_owned(), running.to_owned())
}

fn rolls_back_to(lab: &Lab, copy: &str, when: &str) {
    lab.migrate(&["rollback", "--to", "2"]).expect(0);
    let deadline = Instant::now() + Duration::from_secs(60);
    // A worker that was told to end may take a moment.
    while on_host(lab, "staging", COPY) != copy {
        assert!(Instant::now() < deadline, "{when}: {copy}\nis now {}", on_host(lab, "staging", COPY));
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// One lab for both: what comes before phase 3 takes minutes.
#[test]
fn phase_3_forward_and_back_and_each_unfit_copy_is_caught() {
    let _turn = turn_to_measure();
    let lab = lab_after_phase_2();
    forward_and_back_from_several_points(&lab);
    each_unfit_copy_is_caught_by_its_gate(&lab);
}

fn forward_and_back_from_several_points(lab: &Lab) {
    let (before, copy) = (original(lab), on_host(lab, "staging", COPY));

    // Killed as soon as the ramp has begun, and while the second count is under load.
    let child = lab.start_until(&["phase", "3"], "step_started", "3.ramp");
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    rolls_back_to(lab, &copy, "killed at the beginning of the ramp");
    let child = lab.start_until(&["phase", "3"], "step_started", "3.ramp");
    let deadline = Instant::now() + Duration::from_secs(240);
    while workers(lab).0 != "3" {
        assert!(Instant::now() < deadline, "the second count was never set");
        std::thread::sleep(Duration::from_millis(200));
    }
    signal(&child, "KILL");
    child.wait_with_output().unwrap();
    rolls_back_to(lab, &copy, "killed with three workers");

    // Interrupted, and the same command again goes on to the end.
    let child = lab.start_until(&["phase", "3"], "step_started", "3.ramp");
    signal(&child, "INT");
    Said::from(child.wait_with_output().unwrap()).expect(130);
    let walked = lab.migrate(&["phase", "3"]).expect(0);
    let journal = lab.journal();
    for step in ["3.ramp", "3.cross-worker-state", "3.leak", "3.recommendation", "3.protected-unchanged"] {
        let judged = format!("\"type\":\"gate_judged\",\"data\":{{\"step\":\"{step}\",\"verdict\":\"pass\"");
        assert!(journal.contains(&judged), "{step}: {walked:?}");
    }
    assert!(walked.stderr.contains("50 users had an identity each"), "{walked:?}");
    assert!(walked.stderr.contains("over all 6 ordered pairs of 3 workers"), "{walked:?}");
    assert_eq!(workers(lab), ("3".to_owned(), "3".to_owned()));
    let checked = lab.migrate(&["check"]).expect(0);
    for item in ["50 concurrent users handled", "Sessions persist across workers", "No memory leaks"] {
        assert!(checked.stdout.contains(&format!("- [x] {item}")), "{item}: {checked:?}");
    }
    rolls_back_to(lab, &copy, "after phase 3");
    assert_eq!(original(lab), before);
}

/// One that stalls is not among them: it takes minutes until its users have waited long enough. `lab repeat-phase-3` has it,
/// and the simulator.
fn each_unfit_copy_is_caught_by_its_gate(lab: &Lab) {
    let before = original(lab);
    // With the count that the copy has afterwards: the last good one, or phase 2's when none was good.
    for (variant, step, workers_left, words) in [
        ("crashes", "3.ramp", "2", "the load was taken off: workers end again and again"),
        ("bleeds", "3.ramp", "2", "users were mixed up"),
        ("per-worker", "3.cross-worker-state", "3", "its state is kept per worker"),
        ("leaks", "3.leak", "3", "a worker's headroom of"),
    ] {
        on_host(lab, "staging", &format!("set -- {variant}\n{SET}"));
        let until_now = lab.journal().len();
        let said = lab.migrate(&["phase", "3"]).expect(5);
        assert!(said.stderr.contains(words), "{variant}: `{words}` is not in {said:?}");
        let failed = format!("\"type\":\"step_failed\",\"data\":{{\"step\":\"{step}\"");
        assert!(lab.journal()[until_now..].contains(&failed), "{variant}: {said:?}");
        assert_eq!(workers(lab).0, workers_left, "{variant}: {said:?}");
        lab.migrate(&["rollback", "--to", "2"]).expect(0);
        assert_eq!(workers(lab).0, "2", "{variant}");
        assert_eq!(original(lab), before, "{variant}");
    }
}
