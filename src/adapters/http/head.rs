//! The head of an answer: its status, and what decides about the rest.

use std::mem::MaybeUninit;

use super::fault::Fault;
use super::framing::{Chunk, Framing};
use crate::ports::ErrorKind;

/// No sensible application sends more.
const MOST_HEADERS: usize = 100;

/// A head longer than this is not waited for.
pub(super) const LONGEST_HEAD: usize = 64 << 10;

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    /// Its length in bytes.
    pub length: usize,
    pub status: u16,
    pub framing: Framing,
    pub keep_alive: bool,
    pub location: Option<String>,
}

/// Reads a head, and hands every `Set-Cookie` over. `None` when it is not complete yet.
///
/// # Errors
/// When it is not the head of an HTTP answer.
pub(super) fn read(input: &[u8], mut cookie: impl FnMut(&[u8])) -> Result<Option<Head>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut response, input, &mut headers);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if input.len() < LONGEST_HEAD => return Ok(None),
        Ok(httparse::Status::Partial) => return Err(not_http("its head is longer than 64 KiB")),
        Err(error) => return Err(not_http(&error.to_string())),
    };
    let status = response.code.unwrap_or_default();
    let mut head =
        Head { length, status, framing: Framing::UntilClosed, keep_alive: response.version == Some(1), location: None };
    let (mut content_length, mut is_chunked) = (None, false);
    for header in response.headers.iter() {
        // By length first: almost every header is none of these.
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let parsed = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse::<u64>().ok());
                let number = parsed.ok_or_else(|| not_http("its Content-Length is not a number"))?;
                if content_length.is_some_and(|other| other != number) {
                    return Err(not_http("it has two Content-Lengths"));
                }
                content_length = Some(number);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                is_chunked = has_word(header.value, b"chunked");
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                if has_word(header.value, b"close") {
                    head.keep_alive = false;
                } else if has_word(header.value, b"keep-alive") {
                    head.keep_alive = true;
                }
            }
            10 if header.name.eq_ignore_ascii_case("set-cookie") => cookie(header.value),
            8 if header.name.eq_ignore_ascii_case("location") => {
                head.location = Some(String::from_utf8_lossy(header.value).into_owned());
            }
            _ => {}
        }
    }
    head.framing = match (status, is_chunked, content_length) {
        (100..=199 | 204 | 304, ..) | (_, false, Some(0)) => Framing::Done,
        (_, true, _) => Framing::Chunked(Chunk::Size),
        (_, false, Some(length)) => Framing::Length(length),
        (_, false, None) => Framing::UntilClosed,
    };
    head.keep_alive &= head.framing != Framing::UntilClosed;
    Ok(Some(head))
}

/// The values of a header, in a head that was read before.
pub(super) fn values(head: &[u8], name: &str) -> Vec<String> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    if response.parse(head).is_err() {
        return Vec::new();
    }
    let named = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    named.map(|header| String::from_utf8_lossy(header.value).into_owned()).collect()
}

/// Every header but `Set-Cookie`, names in lower case, in a head that was read before.
pub(super) fn all_but_cookies(head: &[u8]) -> Vec<(String, String)> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    if response.parse(head).is_err() {
        return Vec::new();
    }
    let all = response
        .headers
        .iter()
        .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()));
    all.filter(|(name, _)| name != "set-cookie").collect()
}

fn has_word(list: &[u8], word: &[u8]) -> bool {
    list.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(word))
}

fn not_http(why: &str) -> Fault {
    Fault::new(ErrorKind::Protocol, format!("the answer is not HTTP: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Head {
        read(text.as_bytes(), |_| {}).unwrap().unwrap()
    }

    #[test]
    fn the_framing_is_by_the_book() {
        for (rest, framing, keep_alive) in [
            ("200 OK\r\nContent-Length: 5", Framing::Length(5), true),
            ("200 OK\r\ncontent-length: 0", Framing::Done, true),
            ("200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 5", Framing::Chunked(Chunk::Size), true),
            ("200 OK\r\nConnection: Close\r\nContent-Length: 5", Framing::Length(5), false),
            ("200 OK\r\nX: y", Framing::UntilClosed, false),
            ("204 No Content\r\nX: y", Framing::Done, true),
            ("304 Not Modified\r\nContent-Length: 5", Framing::Done, true),
        ] {
            let found = head(&format!("HTTP/1.1 {rest}\r\n\r\n"));
            assert_eq!((found.framing, found.keep_alive), (framing, keep_alive), "{rest}");
        }
        assert!(!head("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n").keep_alive);
        assert!(head("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n").keep_alive);
    }

    #[test]
    fn cookies_and_the_location_are_found() {
        let mut cookies = Vec::new();
        let text = b"HTTP/1.1 302 Found\r\nSet-Cookie: a=1\r\nLocation: /x\r\nset-cookie: b=2\r\nContent-Length: 0\r\n\r\nmore";
        let head = read(text, |cookie| cookies.push(cookie.to_vec())).unwrap().unwrap();
        assert_eq!(cookies, [b"a=1", b"b=2"]);
        assert_eq!((head.status, head.location.as_deref(), head.length), (302, Some("/x"), text.len() - 4));
        assert_eq!(values(&text[..head.length], "Set-Cookie"), ["a=1", "b=2"]);
    }

    #[test]
    fn half_a_head_is_waited_for_and_nonsense_is_not() {
        assert!(matches!(read(b"HTTP/1.1 200 OK\r\nA: b\r\n", |_| {}), Ok(None)));
        assert!(read(b"220 mail.example.org ESMTP\r\n\r\n", |_| {}).is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", |_| {}).is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", |_| {}).is_err());
        assert!(read(&[b"HTTP/1.1 200 OK\r\nA: ".as_slice(), &vec![b'a'; 70_000]].concat(), |_| {}).is_err());
    }
}
