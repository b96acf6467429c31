//! What ssh's complaints mean.

use std::error::Error as _;

use openssh::Error;

use crate::core::{Failure, rollout::SshHost};

/// Why a connection could not be opened.
pub(super) fn connecting(host: &SshHost, error: &Error) -> Failure {
    let (said, missing) = match error {
        Error::Connect(cause) | Error::Master(cause) => {
            (cause.to_string(), cause.kind() == std::io::ErrorKind::NotFound)
        }
        other => (other.to_string(), false),
    };
    if missing {
        return Failure::permanent(format!("ssh {host}: ssh could not be started, or ended without a word"))
            .hint(format!("install the OpenSSH client, then try `ssh {host} true`"));
    }
    refused(host, &said)
}

/// Reads what ssh said. Its messages are not translated, and have been the same for many years.
fn refused(host: &SshHost, said: &str) -> Failure {
    let has = |needles: &[&str]| needles.iter().any(|needle| said.contains(needle));
    let line = essence(said);
    if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED", "host key for", "Host key for"])
        && has(&["has changed", "HAS CHANGED"])
    {
        Failure::permanent(format!(
            "ssh {host}: THE HOST KEY HAS CHANGED. Either the host was rebuilt, or another machine answers in its place. \
             Nothing was sent."
        ))
        .hint(format!(
            "ask the person who rebuilt the host for the new fingerprint; only if it matches: `ssh-keygen -R {host}`, then `ssh {host}`"
        ))
    } else if has(&["Host key verification failed", "host key is known for"]) {
        Failure::permanent(format!("ssh {host}: the host's key is not known on this machine")).hint(format!(
            "compare the fingerprint and accept it once: `ssh {host}`, or `ssh-keyscan {host} >> ~/.ssh/known_hosts`"
        ))
    } else if has(&["Permission denied", "Too many authentication failures", "No supported authentication methods"]) {
        Failure::permanent(format!("ssh {host}: the host does not accept your key: {line}"))
            .hint(format!("`ssh {host} true` has to work without a password: check ssh-agent, User and IdentityFile"))
    } else if has(&["Could not resolve hostname"]) && !has(&["Temporary failure"]) {
        Failure::permanent(format!("ssh {host}: {line}"))
            .hint(format!("write `{host}` into ~/.ssh/config, or the host's real name into rollout.yaml"))
    } else if has(&[
        "Bad configuration option",
        "Bad owner or permissions",
        "bad configuration options",
        "Can't open user config",
    ]) {
        Failure::permanent(format!("ssh {host}: {line}")).hint("correct the ssh configuration file")
    } else {
        Failure::transient(format!("ssh {host}: {line}")).hint(format!("`ssh {host} true` shows it as well"))
    }
}

/// The last line that says something.
fn essence(said: &str) -> &str {
    said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("the connection could not be opened")
}

/// Why a script could not be started or its end was not seen, on a connection that was open.
pub(super) fn broken(host: &SshHost, error: &Error) -> Failure {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Failure::transient(format!("ssh {host}: the connection was lost ({error}{cause})"))
}

#[cfg(test)]
mod tests {
    use super::refused;
    use crate::core::FailureClass::{self, Permanent, Transient};

    fn class(said: &str) -> FailureClass {
        refused(&"staging".parse().expect("a host"), said).class
    }

    #[test]
    fn complaints_are_told_apart() {
        let changed = "@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@\nHost key for x has changed and you have requested strict checking.\nHost key verification failed.";
        let host = "staging".parse().expect("a host");
        assert!(refused(&host, changed).message.contains("HAS CHANGED"));
        let unknown = "No ED25519 host key is known for [127.0.0.1]:1 and you have requested strict checking.\r\nHost key verification failed.";
        assert!(refused(&host, unknown).message.contains("not known"));
        assert_eq!(class("me@host: Permission denied (publickey)."), Permanent);
        assert_eq!(class("Could not resolve hostname nowhere: Name or service not known"), Permanent);
        assert_eq!(class("Could not resolve hostname nowhere: Temporary failure in name resolution"), Transient);
        assert_eq!(class("connect to host 10.0.0.1 port 22: Connection timed out"), Transient);
        assert_eq!(class("connect to host 10.0.0.1 port 22: Connection refused"), Transient);
        assert_eq!(class("kex_exchange_identification: Connection closed by remote host"), Transient);
        assert_eq!(class(""), Transient);
    }
}
