//! The lab's hosts as seen over ssh: scripts on them, and what must not change on them.

use crate::fixture::Lab;
use crate::said::Said;

/// Everything of the original that must stay as it was: its files, its process and when that started, its unit.
const ORIGINAL: &str = "cd /home/ec2-user/ChatMRPT
find . -path ./flask_session -prune -o -path ./logs -prune -o -name __pycache__ -prune -o -name '*.pid' -prune -o -type f -print0 \
    | sort -z | xargs -0 sha256sum | sha256sum
pid=$(systemctl show -P MainPID chatmrpt); echo \"pid $pid started $(cut -d' ' -f22 /proc/$pid/stat)\"
tr '\\0' ' ' </proc/$pid/cmdline; sha256sum </etc/systemd/system/chatmrpt.service; ls -d /etc/systemd/system/chatmrpt.service.d 2>&1";

/// Runs a shell script on a host; what it printed.
pub fn on_host(lab: &Lab, host: &str, script: &str) -> String {
    let mut entered = lab.enter("ssh");
    entered.arg("-F").arg(lab.path().join("ssh_config")).args([host, script]);
    let said = Said::from(entered.output().unwrap());
    assert_ne!(said.code, 255, "ssh {host}: {said:?}");
    said.stdout
}

/// What must not change of staging's original.
pub fn original(lab: &Lab) -> String {
    on_host(lab, "staging", ORIGINAL)
}

/// The store's authentication token.
pub fn store_token(lab: &Lab) -> String {
    let read = "print(cloud('secretsmanager').get_secret_value(SecretId='chatmrpt/redis-auth-token')['SecretString'])";
    lab.administrator(read).trim().to_owned()
}
