//! One user's connection: opened when it is needed, kept while the server keeps it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::fault::Fault;
use super::framing::Framing;
use super::head::{self, Head};
use super::way::Way;
use crate::adapters::net::Stream;
use crate::ports::ErrorKind;

/// Room for one read. Most answers of an application fit.
const READ: usize = 4 << 10;

/// More than this is not kept from one answer to the next: with thousands of users it adds up.
const KEPT: usize = 16 << 10;

/// An answer, as far as anybody wants to look at it.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub status: u16,
    pub location: Option<String>,
    /// The head, when it was wanted.
    pub head: Vec<u8>,
    /// The body, when it was wanted.
    pub body: Vec<u8>,
}

/// What is wanted of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub head: bool,
    pub body: bool,
    /// The largest body that is read.
    pub largest_body: usize,
    /// Whether the request may be sent again when a kept connection turns out to be closed (RFC 9110, section 9.2.2).
    pub is_repeatable: bool,
}

/// A connection, and what was counted on it since the last time somebody took the counts.
#[derive(Default)]
pub(super) struct Connection {
    stream: Option<Box<dyn Stream>>,
    input: Vec<u8>,
    /// How much of the input was used.
    used: usize,
    pub sent: u64,
    pub received: u64,
    pub opened: u64,
}

impl Connection {
    /// Sends a request and reads its answer. After an error, and when this is dropped halfway, the connection has to
    /// be [closed](Self::close): nobody knows where in the answer it is.
    pub async fn exchange(
        &mut self,
        way: &Way,
        request: &[u8],
        wanted: Wanted,
        answer: &mut Answer,
        mut cookie: impl FnMut(&[u8]),
    ) -> Result<(), Fault> {
        self.drop_if_closed().await;
        let is_kept = self.stream.is_some();
        let head = match self.begin(way, request, &mut cookie).await {
            Ok(head) => head,
            // The server closed it just when we wrote: no byte came back, so nothing was answered.
            Err(fault)
                if is_kept && wanted.is_repeatable && fault.kind == ErrorKind::Closed && self.input.is_empty() =>
            {
                self.close();
                self.begin(way, request, &mut cookie).await?
            }
            Err(fault) => return Err(fault),
        };
        answer.status = head.status;
        answer.location = head.location;
        answer.head.clear();
        answer.body.clear();
        if wanted.head {
            answer.head.extend_from_slice(&self.input[self.used..self.used + head.length]);
        }
        self.used += head.length;
        // What an application says about its failure is quoted.
        let wanted = Wanted { body: wanted.body || head.status >= 400, ..wanted };
        self.read_body(head.framing, wanted, &mut answer.body).await?;
        if head.keep_alive && self.used == self.input.len() {
            self.input.clear();
            self.used = 0;
            if self.input.capacity() > KEPT {
                self.input = Vec::new();
            }
        } else {
            self.close();
        }
        Ok(())
    }

    /// Closes it, if it is open.
    pub fn close(&mut self) {
        self.stream = None;
        self.input.clear();
        self.used = 0;
    }

    /// A connection that the server has closed meanwhile, or on which it says something nobody asked for, is no use.
    async fn drop_if_closed(&mut self) {
        let Some(stream) = self.stream.as_mut() else { return };
        let mut byte = [0; 1];
        let is_quiet = poll_fn(|context| {
            // Without news from the system this is not even a system call.
            let read = Pin::new(&mut *stream).poll_read(context, &mut ReadBuf::new(&mut byte));
            Poll::Ready(read.is_pending())
        });
        if !is_quiet.await {
            self.close();
        }
    }

    async fn begin(&mut self, way: &Way, request: &[u8], cookie: &mut impl FnMut(&[u8])) -> Result<Head, Fault> {
        if self.stream.is_none() {
            self.opened += 1;
            let opened = way.open().await.map_err(|error| Fault::new(ErrorKind::Connect, error.to_string()))?;
            self.stream = Some(opened);
        }
        if let Some(stream) = self.stream.as_mut() {
            stream.write_all(request).await.map_err(|error| closed(&error))?;
            self.sent += request.len() as u64;
        }
        loop {
            if self.read().await? == 0 {
                let words = match self.input.len() - self.used {
                    0 => "the connection was closed before the answer".to_owned(),
                    so_far => format!("the connection was closed after {so_far} bytes of the head"),
                };
                return Err(Fault::new(ErrorKind::Closed, words));
            }
            while let Some(head) = head::read(&self.input[self.used..], &mut *cookie)? {
                // 100 to 199 only announce an answer.
                if head.status >= 200 {
                    return Ok(head);
                }
                self.used += head.length;
            }
        }
    }

    async fn read_body(&mut self, mut framing: Framing, wanted: Wanted, body: &mut Vec<u8>) -> Result<(), Fault> {
        let mut length = 0;
        loop {
            while self.used < self.input.len() && framing != Framing::Done {
                let input = &self.input[self.used..];
                let malformed = |_| Fault::new(ErrorKind::Protocol, "the chunks of the answer are malformed");
                let (used, content) = framing.take(input).map_err(malformed)?;
                length += content.len();
                if length > wanted.largest_body {
                    let words = format!("the body is larger than {} bytes", wanted.largest_body);
                    return Err(Fault::new(ErrorKind::BodyTooLarge, words));
                }
                if wanted.body {
                    body.extend_from_slice(&input[content]);
                }
                self.used += used;
                if used == 0 {
                    break;
                }
            }
            if framing == Framing::Done {
                return Ok(());
            }
            if self.read().await? == 0 {
                return match framing {
                    Framing::UntilClosed => Ok(()),
                    _ => {
                        let words = format!("the connection was closed after {length} bytes of the body");
                        Err(Fault::new(ErrorKind::Closed, words))
                    }
                };
            }
        }
    }

    /// Reads some more; nothing at the end.
    async fn read(&mut self) -> Result<usize, Fault> {
        if self.used == self.input.len() {
            self.input.clear();
            self.used = 0;
        }
        if self.input.capacity() - self.input.len() < READ / 2 {
            self.input.reserve(READ);
        }
        let Some(stream) = self.stream.as_mut() else { return Ok(0) };
        let count = stream.read_buf(&mut self.input).await.map_err(|error| closed(&error))?;
        self.received += count as u64;
        Ok(count)
    }
}

fn closed(error: &io::Error) -> Fault {
    Fault::new(ErrorKind::Closed, format!("the connection broke: {error}"))
}
