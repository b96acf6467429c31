//! Phase 3: worker counts under load on the copy, forward and back; and every way in which a copy can be unfit for more
//! workers.

mod forward_and_back;
mod unfit_copies;

use std::time::Duration;

use crate::fixture::{Lab, wait_until};
use crate::hosts::on_host;
use crate::pace::{edit_rollout, prepare_phase_3};

/// The copy as it was left: how many workers it was told to have and has, whether it answers, its files and ours in it.
const COPY: &str = "cd /home/ec2-user/ChatMRPT-redis-test && master=$(cat .migrate/gunicorn.pid)
tr '\\0' '\\n' </proc/$master/cmdline; pgrep -P $master | wc -l
curl -s --max-time 5 http://127.0.0.1:8081/ping
sha256sum .migrate/environment .migrate/redis-password .migrate/trial-token
find . -path ./flask_session -prune -o -path ./logs -prune -o -path ./.migrate -prune -o -name __pycache__ -prune \
    -o -name '*.pid' -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum";

/// A lab in which as much of phase 2 as phase 3 needs has passed, and whose phase 3 is short: two counts, and a leak test of seconds.
fn lab_after_phase_2() -> Lab {
    let lab = Lab::up();
    prepare_phase_3(&lab);
    edit_rollout(&lab, "worker_counts: [2, 3, 4]", "worker_counts: [2, 3]");
    edit_rollout(&lab, "duration: 20s, ramp_up: 2s", "duration: 10s, ramp_up: 1s");
    edit_rollout(&lab, "warm_up: 15s, minimum_time: 100s", "warm_up: 5s, minimum_time: 25s");
    lab.migrate(&["phase", "1"]).expect(0);
    lab.conclude(&["phase", "2"]).expect(0);
    lab
}

/// How many workers the copy was told to have, and has; empty while it is between two counts.
fn workers(lab: &Lab) -> (String, String) {
    let script = "master=$(cat ChatMRPT-redis-test/.migrate/gunicorn.pid); pgrep -P $master | wc -l
        tr '\\0' '\\n' </proc/$master/cmdline | grep -A1 -x -e --workers | tail -1; true";
    let said = on_host(lab, "staging", script);
    let (running, told) = said.trim().split_once('\n').unwrap_or_default();
    (told.to_owned(), running.to_owned())
}

/// The copy, for `rolls_back_to`.
fn copy(lab: &Lab) -> String {
    on_host(lab, "staging", COPY)
}

/// Rolls back to phase 2, after which the copy has to be as it was.
#[track_caller]
fn rolls_back_to(lab: &Lab, before: &str) {
    lab.migrate(&["rollback", "--to", "2"]).expect(0);
    let mut now = String::new();
    // A worker that was told to end may take a moment.
    wait_until(&format!("the copy is as it was: {before}"), Duration::from_secs(60), || {
        now = copy(lab);
        now == before
    });
}
