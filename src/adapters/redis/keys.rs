//! Finding keys by what they begin with.

use redis::cmd;

use super::session::RedisSession;
use crate::core::Failure;

/// How many keys the server looks at in one go: little enough that nobody notices.
const AT_ONCE: u32 = 500;

/// One step of a `SCAN` over the keys with this prefix: where to go on, 0 at the end, and what was found. A key that is
/// there from beginning to end is found at least once: <https://redis.io/docs/latest/commands/scan/>
pub(super) async fn scan(
    session: &mut RedisSession,
    prefix: &str,
    cursor: u64,
) -> Result<(u64, Vec<Vec<u8>>), Failure> {
    let mut command = cmd("SCAN");
    command.arg(cursor).arg("MATCH").arg(pattern(prefix)).arg("COUNT").arg(AT_ONCE);
    session.ask("SCAN", &command).await
}

/// The glob pattern of everything that begins with this text and nothing else.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('*');
    pattern
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_prefix_is_taken_literally() {
        assert_eq!(pattern("a:copy:"), "a:copy:*");
        assert_eq!(pattern(r"a*[b]?\"), r"a\*\[b\]\?\\*");
    }
}
