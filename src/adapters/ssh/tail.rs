//! Output that is kept only up to a limit.

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::Notify;

/// The last bytes of a stream.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Vec<u8>,
    limit: usize,
    truncated: bool,
}

impl Tail {
    /// Keeps at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, truncated: false }
    }

    /// Reads to the end. A stream that breaks ends there: the caller's sentinel or exit code tells.
    pub(super) async fn read(&mut self, from: impl AsyncRead + Unpin) {
        self.read_and_notice(from, &[], &Notify::new()).await;
    }

    /// Reads to the end, and says so when `line` has come. Nothing is noticed for an empty line.
    pub(super) async fn read_and_notice(&mut self, mut from: impl AsyncRead + Unpin, line: &[u8], seen: &Notify) {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.kept.extend_from_slice(&buffer[..count]);
            // It may have come in two pieces, and something that goes on may write behind it.
            let fresh = &self.kept[self.kept.len().saturating_sub(count + line.len())..];
            if !line.is_empty() && fresh.windows(line.len()).any(|window| window == line) {
                seen.notify_one();
            }
            // Twice the limit before anything is moved, so that a long output is not copied for every piece.
            if self.kept.len() > self.limit * 2 {
                self.cut();
            }
        }
    }

    /// The same without the last `line` in it.
    pub(super) fn without(mut self, line: &[u8]) -> Self {
        let found = self.kept.windows(line.len()).rposition(|window| window == line);
        if let Some(start) = found {
            self.kept.drain(start..start + line.len());
        }
        self
    }

    fn cut(&mut self) {
        if let Some(excess @ 1..) = self.kept.len().checked_sub(self.limit) {
            self.kept.drain(..excess);
            self.truncated = true;
        }
    }

    /// What was kept, and whether anything was not.
    pub(super) fn finish(mut self) -> (Vec<u8>, bool) {
        self.cut();
        (self.kept, self.truncated)
    }
}

/// Bytes as text; a character cut at the front is left out.
pub(super) fn text(bytes: &[u8], truncated: bool) -> String {
    let continuation = bytes.iter().take(3).take_while(|byte| (0x80..0xC0).contains(*byte)).count();
    let start = if truncated { continuation } else { 0 };
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::{Tail, text};

    #[tokio::test]
    async fn a_line_is_noticed_and_left_out() {
        let (seen, mut tail) = (Notify::new(), Tail::new(64));
        tail.read_and_notice(&b"why\nended\nmore"[..], b"ended\n", &seen).await;
        tokio::time::timeout(std::time::Duration::from_secs(1), seen.notified()).await.expect("noticed");
        assert_eq!(tail.without(b"ended\n").finish(), (b"why\nmore".to_vec(), false));
    }

    #[tokio::test]
    async fn the_end_is_kept() {
        let mut tail = Tail::new(4);
        tail.read(&b"0123456789"[..]).await;
        assert_eq!(tail.finish(), (b"6789".to_vec(), true));
        let mut tail = Tail::new(4);
        tail.read(&b"0123"[..]).await;
        assert_eq!(tail.finish(), (b"0123".to_vec(), false));
    }

    #[test]
    fn half_a_character_is_left_out() {
        assert_eq!(text(&"é!".as_bytes()[1..], true), "!");
        assert_eq!(text("é!".as_bytes(), false), "é!");
    }
}
