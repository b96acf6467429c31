//! What one user has in front of them during a request, whether they are one of a crowd or watched one by one.

use std::fmt::Write;

use super::check::check;
use super::connection::{Answer, Connection, Wanted};
use super::fault::Fault;
use super::head;
use super::jar::Jar;
use super::redirect;
use super::script::{CompiledRequest, Site};
use super::template::Values;
use super::way::Way;
use crate::core::rollout::Method;
use crate::ports::{AnsweredBy, ErrorKind};

/// Where a user is.
pub(super) struct Surroundings<'a> {
    pub way: &'a Way,
    pub site: &'a Site,
    /// The largest body that is read, in bytes.
    pub largest_body: usize,
    /// Whether head and body are kept although the request itself does not look at them.
    pub is_everything_wanted: bool,
    /// Where an answer says who gave it, when that is wanted.
    pub answered_by: Option<AnsweredBy>,
}

/// What a user has in front of them during a request.
pub(super) struct Mind {
    pub values: Values,
    pub jar: Jar,
    pub connection: Connection,
    pub answer: Answer,
    path: String,
    body: Vec<u8>,
    request: Vec<u8>,
    pub identity: Option<String>,
    /// The worker that gave the last answer, when it said so and anybody wants to know.
    pub answered: Option<u32>,
}

impl Mind {
    /// A stranger of this number.
    pub fn of(number: u32) -> Self {
        Self {
            values: Values { user: number.to_string(), ..Values::default() },
            jar: Jar::default(),
            connection: Connection::default(),
            answer: Answer::default(),
            path: String::new(),
            body: Vec::new(),
            request: Vec::new(),
            identity: None,
            answered: None,
        }
    }

    /// Begins the next journey; cookies and the connection stay.
    pub fn begin(&mut self, iteration: u64, variables: usize) {
        self.values.iteration.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.values.iteration, "{iteration}");
        self.values.extracted.clear();
        self.values.extracted.resize(variables, None);
        self.identity = None;
    }

    /// Draws the nonce of the next request.
    pub fn new_nonce(&mut self, random: &mut fastrand::Rng) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut number = random.u64(..);
        self.values.nonce.clear();
        for _ in 0..16 {
            self.values.nonce.push(char::from(DIGITS[(number & 15) as usize]));
            number >>= 4;
        }
    }

    /// One request with its redirects: the status, or what went wrong.
    pub async fn perform(&mut self, request: &CompiledRequest, around: &Surroundings<'_>) -> Result<u16, Fault> {
        self.answered = None;
        self.body.clear();
        self.request.clear();
        request.write_path(&self.values, &mut self.request);
        self.path.clear();
        self.path.push_str(&String::from_utf8_lossy(&self.request));
        let mut content_type = request.write_body(&self.values, &mut self.body);
        let mut method = request.method;
        let wanted = Wanted {
            head: around.is_everything_wanted || around.answered_by.is_some() || request.needs_headers(),
            body: around.is_everything_wanted || request.needs_body(),
            largest_body: around.largest_body,
            is_repeatable: method != Method::Post,
        };
        let site = around.site;
        for _ in 0..=redirect::MOST {
            self.write(request, method, content_type, site.is_secure);
            let Self { connection, answer, jar, path, request: bytes, .. } = self;
            let store = |header: &[u8]| jar.store(header, &site.host, path, site.is_secure);
            connection.exchange(around.way, bytes, wanted, answer, store).await?;
            let next = self.answer.location.as_ref().zip(redirect::next_method(self.answer.status, method));
            let Some((location, next)) = next.filter(|_| !request.expects_redirect()) else {
                self.answered = around.answered_by.and_then(|by| {
                    head::values(&self.answer.head, by.header).iter().find_map(|value| by.worker(value))
                });
                return self.judge(request);
            };
            self.path = redirect::next_path(location, &self.path, &site.authority, site.is_secure)?;
            if next != method {
                self.body.clear();
                content_type = None;
                method = next;
            }
        }
        Err(Fault::new(ErrorKind::Redirect, format!("more than {} redirects", redirect::MOST)))
    }

    fn judge(&mut self, request: &CompiledRequest) -> Result<u16, Fault> {
        let status = self.answer.status;
        let mut identity = None;
        let checked = check(request, &self.answer, &self.jar, &mut self.values, &mut identity);
        if let Some(identity) = identity {
            let before = self.identity.replace(identity);
            if let (Some(before), Some(now)) = (before, &self.identity)
                && before != *now
            {
                let words = format!("taken for `{now}`, and for `{before}` before");
                return Err(Fault::new(ErrorKind::Identity, words).with_status(status));
            }
        }
        checked.map(|()| status).map_err(|fault| fault.with_status(status))
    }

    fn write(&mut self, request: &CompiledRequest, method: Method, content_type: Option<&str>, is_secure: bool) {
        let out = &mut self.request;
        out.clear();
        out.extend_from_slice(method.as_str().as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.path.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        request.write_headers(&self.values, out);
        self.jar.write(self.path.as_bytes(), is_secure, out);
        if let Some(content_type) = content_type {
            out.extend_from_slice(b"Content-Type: ");
            out.extend_from_slice(content_type.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        if method != Method::Get {
            // Servers want to know that there is nothing, too.
            out.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }
}
