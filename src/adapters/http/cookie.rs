//! One `Set-Cookie` header, by RFC 6265. The crate `cookie` takes it apart; what browsers do with the parts is here.

use std::borrow::Cow;
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

/// Browsers take no more in a name and value together, in bytes.
const LONGEST: usize = 4_096;

/// A century, in seconds: more than this is for ever. It also keeps the arithmetic with moments safe.
const LONGEST_LIFETIME: u64 = 100 * 365 * 86_400;

impl SetCookie {
    /// Reads a header (section 5.2). `None` when browsers would ignore it.
    pub fn parse(header: &[u8], now: SystemTime) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let pair = text.split(';').next().unwrap_or_default();
        if pair.chars().any(|character| character.is_control() && character != '\t') {
            return None;
        }
        let cookie = ::cookie::Cookie::parse(without_empty_max_age(text)).ok()?;
        if cookie.name().len() + cookie.value().len() > LONGEST {
            return None;
        }
        // A negative duration does not convert: it deletes, as a moment in the past does.
        let max_age = cookie.max_age().map(|age| u64::try_from(age.whole_seconds()).unwrap_or_default());
        let max_age = max_age.map(|seconds| Duration::from_secs(seconds.min(LONGEST_LIFETIME)));
        let expires = cookie.expires_datetime().map(SystemTime::from);
        Some(Self {
            name: cookie.name().to_owned(),
            value: cookie.value().to_owned(),
            domain: cookie.domain().filter(|domain| !domain.is_empty()).map(str::to_ascii_lowercase),
            path: cookie.path().filter(|path| path.starts_with('/')).map(str::to_owned),
            secure: cookie.secure() == Some(true),
            http_only: cookie.http_only() == Some(true),
            // Max-Age counts when both are there.
            lifetime: max_age.or_else(|| expires.map(|until| until.duration_since(now).unwrap_or_default())),
        })
    }
}

/// The header without every `Max-Age` that has no digits: section 5.2.2 ignores it, and the crate takes it for one that
/// never ends, or, after a minus, for one that is over.
fn without_empty_max_age(text: &str) -> Cow<'_, str> {
    let is_empty = |attribute: &&str| {
        let Some((key, value)) = attribute.split_once('=') else { return false };
        key.trim().eq_ignore_ascii_case("max-age") && matches!(value.trim(), "" | "-")
    };
    // The first part is the name and the value, whatever they are.
    let attributes = || text.split(';').skip(1);
    if !attributes().any(|attribute| is_empty(&attribute)) {
        return Cow::Borrowed(text);
    }
    let pair = text.split(';').take(1);
    Cow::Owned(pair.chain(attributes().filter(|attribute| !is_empty(attribute))).collect::<Vec<_>>().join(";"))
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
        assert_eq!(parse(" =x; Path=/"), None);
        assert_eq!(parse(""), None);
        assert_eq!(parse("a=b\u{1}"), None);
        assert_eq!(parse(&format!("a={}", "x".repeat(5_000))), None);
        assert_eq!(SetCookie::parse(b"a=\xff", SystemTime::UNIX_EPOCH), None);
        assert_eq!(parse("a=; path=relative").unwrap().path, None);
    }

    #[test]
    fn quotes_are_part_of_the_value() {
        assert_eq!(parse("a=\"b c\"; Path=/").unwrap().value, "\"b c\"");
        assert_eq!(parse("a=\"b;c\"").unwrap().value, "\"b", "a semicolon ends the value even between quotes");
        assert_eq!(parse("a=%22b%22").unwrap().value, "%22b%22", "nothing is decoded");
    }

    #[test]
    fn dates_with_two_digits_for_the_year_are_read() {
        for soon in ["Sun, 06-Nov-94 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun, 06-Nov-1994 08:50:37 GMT"] {
            assert_eq!(
                parse(&format!("a=b; Expires={soon}")).unwrap().lifetime,
                Some(Duration::from_secs(60)),
                "{soon}"
            );
        }
        // Section 5.1.1: 70 to 99 are of the last century, 0 to 69 of this one.
        let years = |lifetime: Option<Duration>| lifetime.unwrap().as_secs() / (365 * 86_400);
        assert_eq!(years(parse("a=b; Expires=Sun, 06-Nov-69 08:49:37 GMT").unwrap().lifetime), 75);
        assert_eq!(parse("a=b; Expires=Sun, 06-Nov-70 08:49:37 GMT").unwrap().lifetime, Some(Duration::ZERO));
    }

    #[test]
    fn unknown_attributes_change_nothing() {
        let cookie = parse("a=b; Priority=High; Partitioned; =; ;SameSite=Odd; Max-Age=60; Secure=no").unwrap();
        assert_eq!((cookie.lifetime, cookie.secure), (Some(Duration::from_secs(60)), true));
        assert_eq!((cookie.domain, cookie.path), (None, None));
    }

    #[test]
    fn a_huge_max_age_is_a_century_and_an_empty_one_is_ignored() {
        let century = Some(Duration::from_secs(LONGEST_LIFETIME));
        for huge in ["9223372036854775807", "9223372036854775808", "99999999999999999999999999"] {
            assert_eq!(parse(&format!("a=b; Max-Age={huge}")).unwrap().lifetime, century, "{huge}");
        }
        assert_eq!(parse("a=b; Max-Age=-99999999999999999999").unwrap().lifetime, Some(Duration::ZERO));
        let soon = "Expires=Sun, 06 Nov 1994 08:50:37 GMT";
        for ignored in ["Max-Age=", "max-age = ", "Max-Age=-", "Max-Age", "Max-Age=+5", "Max-Age=5s", "Max-Age=1.5"] {
            let cookie = parse(&format!("a=b; {ignored}; {soon}; Path=/x")).unwrap();
            assert_eq!(cookie.lifetime, Some(Duration::from_secs(60)), "{ignored}");
            assert_eq!(cookie.path.as_deref(), Some("/x"), "{ignored}");
        }
        assert_eq!(parse("max-age=; Path=/").unwrap().name, "max-age", "a cookie of that name is one");
    }

    #[test]
    fn the_last_of_several_attributes_counts() {
        let cookie = parse("a=b; Path=/x; Domain=x.org; Max-Age=5; Path=/y; Domain=.y.org; Max-Age=6").unwrap();
        assert_eq!((cookie.path.as_deref(), cookie.domain.as_deref()), (Some("/y"), Some("y.org")));
        assert_eq!(cookie.lifetime, Some(Duration::from_secs(6)));
        assert_eq!(parse("a=b; Max-Age=5; Max-Age=soon").unwrap().lifetime, Some(Duration::from_secs(5)));
        assert_eq!(parse("a=b; Path=/x; Path=relative").unwrap().path, None);
        assert_eq!(parse("a=b; Domain=x.org; Domain=").unwrap().domain.as_deref(), Some("x.org"));
        assert_eq!(parse("a=b; Domain=.").unwrap().domain, None);
    }
}
