//! How long loads and soaks take: changes of the lab's rollout and of its phases. A lab is as strict as lab/rollout.yaml says;
//! a scenario that is not about a measurement makes it short, and generous enough for a busy machine.

use std::path::Path;

use crate::fixture::{Lab, PHASES};

/// Replaces text in the lab's rollout.yaml; the text must be there.
pub fn edit_rollout(lab: &Lab, from: &str, to: &str) {
    edit(&lab.path().join("rollout.yaml"), from, to);
}

/// Replaces text in one of the lab's own phase files; the text must be there.
pub fn edit_phases(lab: &Lab, file: &str, from: &str, to: &str) {
    own_phases(lab);
    edit(&lab.path().join(PHASES).join(file), from, to);
}

/// Gives the lab a copy of the repository's phases, which a test may change.
pub fn own_phases(lab: &Lab) {
    let directory = lab.path().join(PHASES);
    if !directory.is_dir() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("phases");
        let copied = std::process::Command::new("cp").arg("-r").arg(root).arg(directory).status();
        assert!(copied.unwrap().success());
    }
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "`{from}` is not in {text}");
    std::fs::write(file, text.replacen(from, to, 1)).unwrap();
}

/// A comparison of seconds that only a copy several times slower fails.
pub fn shorten_comparison(lab: &Lab) {
    edit_rollout(lab, "rounds: 8, round: 3s,", "rounds: 6, round: 1s,");
    edit_rollout(lab, "slower: 250%, far_slower: 700%", "slower: 500%, far_slower: 900%");
    edit_rollout(lab, "error_ceiling: 2%, more_errors: 2%", "error_ceiling: 5%, more_errors: 5%");
}

/// Leaves steps of these kinds out of one of the lab's own phase files. Each step is one line of it.
fn leave_out(lab: &Lab, file: &str, kinds: &[&str]) {
    own_phases(lab);
    let file = lab.path().join(PHASES).join(file);
    let text = std::fs::read_to_string(&file).unwrap();
    let of = |line: &str, kind: &str| line.trim_start().starts_with(&format!("- {kind}: {{"));
    for kind in kinds {
        assert!(text.lines().any(|line| of(line, kind)), "no step `{kind}` of one line in {text}");
    }
    let kept = text.split_inclusive('\n').filter(|line| !kinds.iter().any(|kind| of(line, kind)));
    std::fs::write(file, kept.collect::<String>()).unwrap();
}

/// Phases 1 and 2 for a scenario of phase 3: every item of the checklist is proven, in seconds and without the rehearsal,
/// and the store is not lost.
pub fn prepare_phase_3(lab: &Lab) {
    shorten_proofs(lab);
    leave_out(lab, "2-staging-copy.yaml", &["rollback_rehearsal", "store_loss_drill"]);
}

/// Phases 1 to 3 for a scenario of phase 4: every item of the checklist is proven, in seconds and without the rehearsal.
pub fn prepare_phase_4(lab: &Lab) {
    shorten_proofs(lab);
    leave_out(lab, "2-staging-copy.yaml", &["rollback_rehearsal"]);
    // Few users: a busy machine has to sign them in before the cut, and others during it.
    edit_phases(
        lab,
        "2-staging-copy.yaml",
        "id: store-loss,",
        "id: store-loss, begins_after: 10s, lasts: 6s, watched_users: 2, load_users: 3,",
    );
    edit_rollout(lab, "worker_counts: [2, 3, 4]", "worker_counts: [2]");
    edit_rollout(lab, "duration: 20s, ramp_up: 2s", "duration: 5s, ramp_up: 1s");
    edit_rollout(lab, "warm_up: 15s, minimum_time: 100s", "warm_up: 1s, minimum_time: 6s");
    // The growth of seconds says little about an hour.
    edit_rollout(lab, "horizon: 30m", "horizon: 2m");
}

/// The proofs of phases 1 and 2 in seconds, with limits that a busy machine keeps: the scenario is not about them.
fn shorten_proofs(lab: &Lab) {
    edit_rollout(lab, "refused_from: [operator, bystander]", "refused_from: [operator]");
    edit_rollout(lab, "rounds: 8, round: 3s,", "rounds: 5, round: 1s,");
    edit_rollout(lab, "slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%");
    edit_rollout(lab, "error_ceiling: 2%, more_errors: 2%", "error_ceiling: 5%, more_errors: 5%");
}

/// Every phase whole, with loads of seconds, and limits that a busy machine keeps.
pub fn shorten_all_phases(lab: &Lab) {
    edit_rollout(lab, "rounds: 8, round: 3s,", "rounds: 6, round: 1s,");
    edit_rollout(lab, "slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%");
    edit_rollout(lab, "error_ceiling: 2%, more_errors: 2%", "error_ceiling: 5%, more_errors: 5%");
    edit_rollout(lab, "worker_counts: [2, 3, 4]", "worker_counts: [2, 3]");
    edit_rollout(lab, "duration: 20s, ramp_up: 2s", "duration: 8s, ramp_up: 1s");
    edit_rollout(
        lab,
        "warm_up: 15s, minimum_time: 100s, minimum_requests: 500, headroom_mib: 1024, horizon: 30m",
        "warm_up: 2s, minimum_time: 10s, minimum_requests: 500, headroom_mib: 1024, horizon: 2m",
    );
}
