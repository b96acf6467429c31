//! Output that is kept only up to a limit.

use tokio::io::{AsyncRead, AsyncReadExt};

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
    pub(super) async fn read(&mut self, mut from: impl AsyncRead + Unpin) {
        let mut buffer = vec![0; 32 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            self.kept.extend_from_slice(&buffer[..count]);
            // Twice the limit before anything is moved, so that a long output is not copied for every piece.
            if self.kept.len() > self.limit * 2 {
                self.cut();
            }
        }
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
    use super::{Tail, text};

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
