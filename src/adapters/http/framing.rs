//! Where the body of an answer ends, by RFC 9112, section 6.3.

/// What is left of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked(Chunk),
    /// Until the connection is closed.
    UntilClosed,
    /// Nothing.
    Done,
}

/// Where in the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    /// Before a size.
    Size,
    /// So many bytes within one.
    Data(u64),
    /// After one, before its line end.
    End,
    /// After the last one: trailers, up to an empty line.
    Trailers,
}

/// The chunks are not chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A size or a trailer is never longer in earnest.
const LONGEST_LINE: usize = 8 << 10;

impl Framing {
    /// Takes the next piece of body out of `input`: how many bytes were used, and which of those are content. Nothing
    /// used means that more is needed first.
    ///
    /// # Errors
    /// When the chunks are not chunks.
    pub fn take(&mut self, input: &[u8]) -> Result<(usize, std::ops::Range<usize>), Malformed> {
        match self {
            Self::Done => Ok((0, 0..0)),
            Self::UntilClosed => Ok((input.len(), 0..input.len())),
            Self::Length(left) => {
                let taken = portion(*left, input);
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok((taken, 0..taken))
            }
            Self::Chunked(Chunk::Data(left)) => {
                let taken = portion(*left, input);
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Chunked(Chunk::End);
                }
                Ok((taken, 0..taken))
            }
            Self::Chunked(state) => {
                let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
                    return if input.len() > LONGEST_LINE { Err(Malformed) } else { Ok((0, 0..0)) };
                };
                let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
                *self = match state {
                    Chunk::Size => match size(line)? {
                        0 => Self::Chunked(Chunk::Trailers),
                        size => Self::Chunked(Chunk::Data(size)),
                    },
                    Chunk::End if line.is_empty() => Self::Chunked(Chunk::Size),
                    Chunk::Trailers if line.is_empty() => Self::Done,
                    Chunk::Trailers => Self::Chunked(Chunk::Trailers),
                    Chunk::End | Chunk::Data(_) => return Err(Malformed),
                };
                Ok((end + 1, 0..0))
            }
        }
    }
}

fn portion(left: u64, input: &[u8]) -> usize {
    usize::try_from(left).unwrap_or(usize::MAX).min(input.len())
}

fn size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(Malformed);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Malformed)?;
    u64::from_str_radix(text, 16).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces of `step` bytes; the content, and what was left over.
    fn feed(mut framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut content, mut used, mut end) = (Vec::new(), 0, 0);
        while end < input.len() {
            end = (end + step).min(input.len());
            loop {
                let (taken, range) = framing.take(&input[used..end])?;
                content.extend_from_slice(&input[used..end][range]);
                used += taken;
                if taken == 0 || framing == Framing::Done {
                    break;
                }
            }
        }
        Ok((content, input.len() - used, framing == Framing::Done))
    }

    #[test]
    fn chunks_are_joined_however_they_arrive() {
        let input = b"4\r\nWiki\r\n6;x=y\r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nTrailer: 1\r\n\r\nNEXT";
        for step in 1..=input.len() {
            let (content, left, is_done) = feed(Framing::Chunked(Chunk::Size), input, step).unwrap();
            assert_eq!((content.as_slice(), left, is_done), (&b"Wikipedia in \r\n\r\nchunks."[..], 4, true), "{step}");
        }
    }

    #[test]
    fn a_length_ends_where_it_says() {
        assert_eq!(feed(Framing::Length(3), b"abcdef", 2), Ok((b"abc".to_vec(), 3, true)));
        assert_eq!(feed(Framing::Length(9), b"abc", 2), Ok((b"abc".to_vec(), 0, false)));
        assert_eq!(feed(Framing::UntilClosed, b"abc", 2), Ok((b"abc".to_vec(), 0, false)));
    }

    #[test]
    fn what_are_no_chunks_is_an_error() {
        for input in [&b"x\r\n"[..], b"\r\n", b"-1\r\n", b"1\r\nab\r\n", b"fffffffffffffffff\r\n"] {
            assert_eq!(feed(Framing::Chunked(Chunk::Size), input, 1), Err(Malformed), "{input:?}");
        }
        assert_eq!(feed(Framing::Chunked(Chunk::Size), &[b'1'; 9_000], 100), Err(Malformed));
    }
}
