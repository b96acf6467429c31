//! Phase 2: a copy beside the original on staging, forward and back, and everything that has to stop it.

mod forward_and_back;
mod killed;
mod unfit_copies;

use crate::fixture::Lab;
use crate::hosts::{on_host, store_token};

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
