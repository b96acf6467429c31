//! Phase 4: production, one instance at a time, behind a load balancer with visitors in front of it; and back.

mod auto_scaling;
mod bad_releases;
mod killed;
mod there_and_back;
mod unreachable_target;
mod without_a_journal;

use crate::fixture::Lab;
use crate::hosts::on_host;
use crate::pace::{edit_rollout, prepare_phase_4};

const TARGETS: [&str; 2] = ["production-1", "production-2"];

/// What the live path names, what the main process runs in, and whether anything of ours is beside it.
const SERVING: &str = "readlink ChatMRPT || echo plain
readlink /proc/$(systemctl show -P MainPID chatmrpt)/cwd
ls -d ChatMRPT.releases /etc/systemd/system/chatmrpt.service.d/migrate.conf 2>/dev/null
find ChatMRPT -maxdepth 1 -type l";

/// Three windows, each with the samples that it needs to count.
const SOAK: &str = "15s, window: 5s, requests_per_window: 20";

/// A lab in which phase 4 is approved, after as much of phases 1 to 3 as it needs.
fn lab_before_phase_4() -> Lab {
    lab_with_soaks_of(SOAK)
}

/// The same, with soaks of this duration, as rollout.yaml has it.
fn lab_with_soaks_of(duration: &str) -> Lab {
    let lab = Lab::up();
    prepare_phase_4(&lab);
    walk_to_phase_4(&lab, duration);
    lab
}

/// Walks phases 1 to 3 and approves phase 4.
fn walk_to_phase_4(lab: &Lab, soak: &str) {
    edit_rollout(lab, "soak: { duration: 60s, window: 5s", &format!("soak: {{ duration: {soak}"));
    for phase in ["1", "2", "3"] {
        lab.conclude(&["phase", phase]).expect(0);
    }
    approve(lab);
}

/// Approves phase 4. A rollback ends an approval.
fn approve(lab: &Lab) {
    lab.migrate(&["approve", "4", "--reason", "a test"]).expect(0);
}

fn is_on_a_release(lab: &Lab, target: &str) -> bool {
    let serving = on_host(lab, target, SERVING);
    let mut lines = serving.lines();
    let (live, runs) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    live.contains("/ChatMRPT.releases/") && live == runs
}

/// Both targets serve the plain directory, as before phase 4, and nothing of ours is left.
#[track_caller]
fn assert_originals(lab: &Lab) {
    TARGETS.iter().for_each(|target| assert_original(lab, target));
}

/// The target serves the plain directory, as before phase 4, and nothing of ours is left.
#[track_caller]
fn assert_original(lab: &Lab, target: &str) {
    assert_eq!(on_host(lab, target, SERVING), "plain\n/home/ec2-user/ChatMRPT\n", "{target}");
}
