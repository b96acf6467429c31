//! One `Set-Cookie` header, by RFC 6265.

use std::time::{Duration, SystemTime};

/// A cookie as a server sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SetCookie {
    pub name: String,
    pub value: String,
    /// Lower case, without the leading dot.
    pub domain: Option<String>,
    pub path: Option<String>,
    pub secure: bool,
    pub http_only: bool,
    /// From now on; zero deletes it. `None` until the user leaves.
    pub lifetime: Option<Duration>,
}

/// Browsers take no more in a name and value together.
const LONGEST: usize = 4_096;

impl SetCookie {
    /// Reads a header (section 5.2). `None` when browsers would ignore it.
    pub fn parse(header: &[u8], now: SystemTime) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let (pair, attributes) = text.split_once(';').unwrap_or((text, ""));
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        let has_control = pair.chars().any(|character| character.is_control() && character != '\t');
        if name.is_empty() || has_control || name.len() + value.len() > LONGEST {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: None,
            path: None,
            secure: false,
            http_only: false,
            lifetime: None,
        };
        let (mut max_age, mut expires) = (None, None);
        for attribute in attributes.split(';') {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let (key, value) = (key.trim(), value.trim());
            if key.eq_ignore_ascii_case("max-age") {
                max_age = seconds(value).or(max_age);
            } else if key.eq_ignore_ascii_case("expires") {
                expires = httpdate::parse_http_date(value).ok().or(expires);
            } else if key.eq_ignore_ascii_case("domain") && !value.is_empty() {
                cookie.domain = Some(value.trim_start_matches('.').to_ascii_lowercase());
            } else if key.eq_ignore_ascii_case("path") {
                cookie.path = value.starts_with('/').then(|| value.to_owned());
            } else if key.eq_ignore_ascii_case("secure") {
                cookie.secure = true;
            } else if key.eq_ignore_ascii_case("httponly") {
                cookie.http_only = true;
            }
        }
        // Max-Age counts when both are there. A moment in the past deletes, too.
        cookie.lifetime = max_age.or_else(|| expires.map(|until| until.duration_since(now).unwrap_or_default()));
        Some(cookie)
    }
}

/// Digits, perhaps after a minus, which means at once.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_past = digits.len() < text.len();
    // More than a century is for ever; this also keeps the arithmetic with moments safe.
    let count = digits.parse::<u64>().unwrap_or(u64::MAX).min(100 * 365 * 86_400);
    Some(Duration::from_secs(if is_past { 0 } else { count }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Option<SetCookie> {
        SetCookie::parse(header.as_bytes(), SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn attributes_are_read_whatever_their_case() {
        let cookie =
            parse("sid=a=b; path=/x; DOMAIN=.Example.org; Secure; HttpOnly; SameSite=Lax; Max-Age=60").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.value.as_str()), ("sid", "a=b"));
        assert_eq!((cookie.path.as_deref(), cookie.domain.as_deref()), (Some("/x"), Some("example.org")));
        assert!(cookie.secure && cookie.http_only);
        assert_eq!(cookie.lifetime, Some(Duration::from_secs(60)));
    }

    #[test]
    fn expires_is_a_moment_and_max_age_goes_first() {
        let soon = "Expires=Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(parse(&format!("a=b; {soon}")).unwrap().lifetime, Some(Duration::from_secs(60)));
        assert_eq!(parse(&format!("a=b; Max-Age=5; {soon}")).unwrap().lifetime, Some(Duration::from_secs(5)));
        assert_eq!(parse("a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT").unwrap().lifetime, Some(Duration::ZERO));
        assert_eq!(parse("a=b; Expires=tomorrow; Max-Age=soon").unwrap().lifetime, None);
        assert_eq!(parse("a=b; Max-Age=-1").unwrap().lifetime, Some(Duration::ZERO));
        assert!(parse("a=b; Max-Age=99999999999999999999").unwrap().lifetime.unwrap() > Duration::from_secs(1 << 30));
    }

    #[test]
    fn what_browsers_ignore_is_ignored() {
        assert_eq!(parse("novalue"), None);
        assert_eq!(parse("=x"), None);
        assert_eq!(parse("a=b\u{1}"), None);
        assert_eq!(parse(&format!("a={}", "x".repeat(5_000))), None);
        assert_eq!(SetCookie::parse(b"a=\xff", SystemTime::UNIX_EPOCH), None);
        assert_eq!(parse("a=; path=relative").unwrap().path, None);
    }
}
