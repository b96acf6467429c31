//! The cookies of one user, by RFC 6265: one host, so no lookup by domain.

use std::time::{Duration, Instant, SystemTime};

use super::cookie::SetCookie;

/// Browsers keep at least fifty for a domain; more than these is a broken application.
const MOST: usize = 100;

/// A cookie that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    until: Option<Instant>,
}

/// One user's cookies, longest path first, as they are sent.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
}

impl Jar {
    /// Takes a `Set-Cookie` header of an answer to a request for `path` at `host` (without its port).
    pub fn store(&mut self, header: &[u8], host: &str, path: &str, is_secure: bool) {
        let Some(set) = SetCookie::parse(header, SystemTime::now()) else { return };
        let for_others = set.domain.as_deref().is_some_and(|domain| !belongs(host, domain));
        // A cookie for another host, or a secure one over plain text, is not kept by browsers either.
        if for_others || (set.secure && !is_secure) {
            return;
        }
        let path = set.path.unwrap_or_else(|| default_path(path).to_owned());
        self.keep(set.name, set.value, path, set.secure, set.lifetime);
    }

    /// Takes a cookie that was kept elsewhere, until the user leaves.
    pub fn take_up(&mut self, name: String, value: String, path: String) {
        self.keep(name, value, path, false, None);
    }

    /// Name, value and path of every cookie that is not over.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let now = Instant::now();
        let current = self.cookies.iter().filter(move |cookie| cookie.until.is_none_or(|until| until > now));
        current.map(|cookie| (cookie.name.as_str(), cookie.value.as_str(), cookie.path.as_str()))
    }

    fn keep(&mut self, name: String, value: String, path: String, secure: bool, lifetime: Option<Duration>) {
        let known = self.cookies.iter().position(|cookie| cookie.name == name && cookie.path == path);
        if lifetime.is_some_and(|lifetime| lifetime.is_zero()) {
            known.map(|at| self.cookies.remove(at));
            return;
        }
        let until = lifetime.and_then(|lifetime| Instant::now().checked_add(lifetime));
        let cookie = Cookie { name, value, path, secure, until };
        if let Some(old) = known.and_then(|at| self.cookies.get_mut(at)) {
            *old = cookie;
        } else if self.cookies.len() < MOST {
            let at = self.cookies.partition_point(|other| other.path.len() >= cookie.path.len());
            self.cookies.insert(at, cookie);
        }
    }

    /// Appends the `Cookie` header of a request for `path` (with or without its query), when there is one.
    pub fn write(&self, path: &[u8], is_secure: bool, out: &mut Vec<u8>) {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let mut is_first = true;
        // Asking what time it is costs more than looking at a cookie without an end.
        let mut now = None;
        for cookie in &self.cookies {
            let is_over = cookie.until.is_some_and(|until| *now.get_or_insert_with(Instant::now) >= until);
            if is_over || (cookie.secure && !is_secure) || !matches(path, cookie.path.as_bytes()) {
                continue;
            }
            out.extend_from_slice(if is_first { b"Cookie: " } else { b"; " });
            out.extend_from_slice(cookie.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(cookie.value.as_bytes());
            is_first = false;
        }
        if !is_first {
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The value of a cookie, whatever its path.
    pub fn value(&self, name: &str) -> Option<&str> {
        let now = Instant::now();
        let cookie = self.cookies.iter().find(|cookie| cookie.name == name)?;
        cookie.until.is_none_or(|until| until > now).then_some(cookie.value.as_str())
    }
}

/// Whether a host is a domain or below it (section 5.1.3). An address is only itself.
fn belongs(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_below = host.strip_suffix(domain).is_some_and(|front| front.ends_with('.'));
    host == domain || (is_below && host.parse::<std::net::IpAddr>().is_err())
}

/// Section 5.1.4: up to the last `/` of the request's path, or `/`.
fn default_path(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        Some(end) if end > 0 => &path[..end],
        _ => "/",
    }
}

/// Section 5.1.4: whether a request's path is at or below a cookie's.
fn matches(path: &[u8], cookie: &[u8]) -> bool {
    match path.strip_prefix(cookie) {
        Some(rest) => rest.is_empty() || cookie.ends_with(b"/") || rest.starts_with(b"/"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(headers: &[&str]) -> Jar {
        let mut jar = Jar::default();
        headers.iter().for_each(|header| jar.store(header.as_bytes(), "app.example.org", "/account/login?x=/y", false));
        jar
    }

    fn sent(jar: &Jar, path: &str, is_secure: bool) -> String {
        let mut out = Vec::new();
        jar.write(path.as_bytes(), is_secure, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_decide_what_is_sent() {
        let jar = jar(&["a=1", "b=2; Path=/", "c=3; Path=/account/login", "d=4; Path=/acc"]);
        assert_eq!(sent(&jar, "/account/login", false), "Cookie: c=3; a=1; b=2\r\n");
        assert_eq!(sent(&jar, "/account?q=/account/login", false), "Cookie: a=1; b=2\r\n");
        assert_eq!(sent(&jar, "/accountant", false), "Cookie: b=2\r\n");
        assert_eq!(sent(&jar, "/acc", false), "Cookie: d=4; b=2\r\n");
        assert_eq!(sent(&Jar::default(), "/", false), "");
    }

    #[test]
    fn the_last_one_of_a_name_and_path_counts() {
        let jar = jar(&["s=old; Path=/", "s=new; Path=/", "s=other; Path=/account"]);
        assert_eq!(sent(&jar, "/", false), "Cookie: s=new\r\n");
        assert_eq!(sent(&jar, "/account", false), "Cookie: s=other; s=new\r\n");
    }

    #[test]
    fn deletion_takes_the_same_path() {
        let mut jar = jar(&["s=1; Path=/", "t=1; Path=/"]);
        jar.store(b"s=; Path=/account; Max-Age=0", "app.example.org", "/", false);
        assert_eq!(sent(&jar, "/", false), "Cookie: s=1; t=1\r\n");
        jar.store(b"s=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "app.example.org", "/", false);
        assert_eq!(sent(&jar, "/", false), "Cookie: t=1\r\n");
        assert_eq!((jar.value("s"), jar.value("t")), (None, Some("1")));
    }

    #[test]
    fn what_is_over_is_not_sent() {
        let mut jar = Jar::default();
        jar.keep("a".into(), "1".into(), "/".into(), false, Some(Duration::from_nanos(1)));
        jar.keep("b".into(), "2".into(), "/".into(), false, Some(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(sent(&jar, "/", false), "Cookie: b=2\r\n");
        assert_eq!(jar.value("a"), None);
    }

    #[test]
    fn a_secure_cookie_never_goes_over_plain_text() {
        assert_eq!(sent(&jar(&["s=1; Secure; Path=/"]), "/", true), "");
        let mut jar = Jar::default();
        jar.store(b"s=1; Secure; Path=/; HttpOnly", "app.example.org", "/", true);
        assert_eq!((sent(&jar, "/", true).as_str(), sent(&jar, "/", false).as_str()), ("Cookie: s=1\r\n", ""));
    }

    #[test]
    fn cookies_of_other_hosts_are_refused() {
        let jar = jar(&[
            "a=1; Domain=example.org; Path=/",
            "b=2; Domain=app.example.org; Path=/",
            "c=3; Domain=evil.org; Path=/",
            "d=4; Domain=b.app.example.org; Path=/",
            "e=5; Domain=ple.org; Path=/",
        ]);
        assert_eq!(sent(&jar, "/", false), "Cookie: a=1; b=2\r\n");
        let mut address = Jar::default();
        address.store(b"a=1; Domain=0.0.1; Path=/", "127.0.0.1", "/", false);
        address.store(b"b=2; Domain=127.0.0.1; Path=/", "127.0.0.1", "/", false);
        assert_eq!(sent(&address, "/", false), "Cookie: b=2\r\n");
    }

    #[test]
    fn an_application_that_sets_too_many_is_stopped() {
        let mut jar = Jar::default();
        (0..500).for_each(|n| jar.store(format!("c{n}=1").as_bytes(), "h", "/", false));
        assert_eq!(jar.cookies.len(), MOST);
    }
}
