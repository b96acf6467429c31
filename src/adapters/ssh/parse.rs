//! Reading what an inspection printed: strictly, or not at all.

use super::run::Finished;
use crate::core::{Failure, rollout::SshHost};

/// What every inspection prints last: without it the output is not whole.
const SENTINEL: &[u8] = b"end\n";

/// An inspection's output, less its sentinel.
///
/// # Errors
/// When the script failed, or its output was cut.
pub(super) fn body<'a>(host: &SshHost, what: &str, finished: &'a Finished) -> Result<&'a [u8], Failure> {
    let said = String::from_utf8_lossy(&finished.stderr);
    let said = said.trim();
    if finished.code != 0 {
        return Err(failed(host, what, finished.code, said));
    }
    if finished.truncated {
        return Err(Failure::permanent(format!("{host}: {what}: the host's answer is too long to be read")));
    }
    finished.stdout.strip_suffix(SENTINEL).ok_or_else(|| {
        let length = finished.stdout.len();
        Failure::transient(format!("{host}: {what}: the host's answer broke off before its end, after {length} bytes"))
    })
}

fn failed(host: &SshHost, what: &str, code: i32, said: &str) -> Failure {
    let line = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message").trim();
    let message = format!("{host}: {what}: {line} (exit code {code})");
    // 75 is EX_TEMPFAIL of sysexits.h. Something that vanishes while it is read changed; the next look may succeed.
    let passing = code == 75 || code > 128;
    if passing { Failure::transient(message) } else { Failure::permanent(message) }
}

/// The output as text.
pub(super) fn text<'a>(host: &SshHost, what: &str, body: &'a [u8]) -> Result<&'a str, Failure> {
    std::str::from_utf8(body).map_err(|_| unexpected(host, what, "text that is not UTF-8"))
}

/// The answer is not what the script prints.
pub(super) fn unexpected(host: &SshHost, what: &str, found: &str) -> Failure {
    Failure::permanent(format!("{host}: {what}: the host's answer makes no sense: {found}"))
}

/// A 64-digit SHA-256 in lower case.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::{Finished, body};
    use crate::core::FailureClass;

    fn finished(code: i32, stdout: &str, truncated: bool) -> Finished {
        Finished { code, stdout: stdout.into(), stderr: b"why\n".to_vec(), truncated }
    }

    #[test]
    fn only_a_whole_answer_counts() {
        let host = "staging".parse().expect("a host");
        assert_eq!(body(&host, "x", &finished(0, "a\nend\n", false)).expect("whole"), b"a\n");
        assert_eq!(body(&host, "x", &finished(0, "a\nen", false)).expect_err("cut").class, FailureClass::Transient);
        assert_eq!(body(&host, "x", &finished(0, "", false)).expect_err("nothing").class, FailureClass::Transient);
        assert_eq!(body(&host, "x", &finished(0, "a\nend\n", true)).expect_err("long").class, FailureClass::Permanent);
        let failure = body(&host, "x", &finished(1, "a\nend\n", false)).expect_err("failed");
        assert!(failure.message.contains("why"), "{failure}");
    }
}
