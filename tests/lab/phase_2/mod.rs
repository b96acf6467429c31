//! Phase 2: a copy beside the original on staging, forward and back, and everything that has to stop it.

mod forward_and_back;
mod killed;
mod unfit_copies;
mod unfit_under_load;

use crate::fixture::Lab;
use crate::hosts::{on_host, original, store_token};
use crate::pace::{edit_rollout, shorten_comparison};

const COPY: &str = "/home/ec2-user/ChatMRPT-redis-test";

/// Nothing of phase 2 is on staging: no directory, no process, no listener on the port, no route, no marker.
fn assert_no_copy(lab: &Lab) {
    let left = on_host(
        lab,
        "staging",
        &format!(
            "ls -d {COPY} .migrate-cut-* 2>/dev/null; pgrep -af 'redis-test|migrate_wsgi|migrate-cut' | grep -v pgrep; \
             ip -4 route show 10.78.0.50/32; curl -s -o /dev/null --max-time 2 http://127.0.0.1:8081/ping && echo 8081 answers; true"
        ),
    );
    assert_eq!(left, "", "left on staging");
}

/// How many keys of the copy the store has, asked from staging.
fn keys_of_the_copy(lab: &Lab) -> usize {
    let token = store_token(lab);
    let authority = std::fs::read_to_string(lab.path().join("redis-ca.pem")).unwrap();
    let program = format!(
        "cat >/tmp/ca.pem <<'X'\n{authority}X\n/home/ec2-user/chatmrpt_env/bin/python - <<'X'\nimport redis\nstore = \
         redis.Redis('master.chatmrpt-sessions.lab.internal', 6379, password='{token}', ssl=True, \
         ssl_ca_certs='/tmp/ca.pem')\nprint(sum(1 for _ in store.scan_iter('chatmrpt-sessions:copy:*')))\nX\n"
    );
    let said = on_host(lab, "staging", &program);
    said.trim().parse().unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Sets a variable of the operator's own in the copy's environment.
fn set_in_the_copy(lab: &Lab, name: &str, value: &str) {
    edit_rollout(lab, "    port: 8081\n", &format!("    port: 8081\n    environment: {{ {name}: \"{value}\" }}\n"));
}

/// One way to be unfit for phase 2: it has to end at the step that is there to notice, say why, and go back cleanly.
fn stops(name: &str, unfit: impl FnOnce(&Lab), step: &str, words: &str) {
    stops_at_one_of(name, unfit, &[step], words);
}

/// The same, for what shows sooner or later.
fn stops_at_one_of(name: &str, unfit: impl FnOnce(&Lab), steps: &[&str], words: &str) {
    let lab = Lab::up();
    shorten_comparison(&lab);
    unfit(&lab);
    lab.migrate(&["phase", "1"]).expect(0);
    let before = original(&lab);
    let said = lab.conclude(&["phase", "2"]).expect(5);
    assert!(said.stderr.contains(words), "{name}: `{words}` is not in {said:?}");
    let failed =
        |step: &&str| lab.journal().contains(&format!("\"type\":\"step_failed\",\"data\":{{\"step\":\"{step}\""));
    assert!(steps.iter().any(failed), "{name} did not fail at one of {steps:?}: {said:?}");
    lab.migrate(&["rollback", "--to", "1"]).expect(0);
    assert_no_copy(&lab);
    assert_eq!(original(&lab), before, "{name}");
}
