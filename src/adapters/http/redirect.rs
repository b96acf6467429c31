//! Where a redirect leads, as far as a user of one application follows.

use url::{Position, Url};

use super::fault::Fault;
use crate::core::rollout::Method;
use crate::ports::ErrorKind;

/// Browsers stop at twenty; an application that needs more than ten is going in circles.
pub(super) const MOST: u32 = 10;

/// The method of the next request, by the status (RFC 9110, section 15.4, and what browsers do with 301 and 302).
/// `None` when the status is no redirect.
pub(super) fn next_method(status: u16, method: Method) -> Option<Method> {
    match status {
        301 | 302 if method == Method::Post => Some(Method::Get),
        303 => Some(Method::Get),
        301 | 302 | 307 | 308 => Some(method),
        _ => None,
    }
}

/// The path that a `Location` means, seen from the path it was answered for (RFC 3986, section 5.2, as browsers read it).
///
/// # Errors
/// When it is on another host or scheme: another application is not measured.
pub(super) fn next_path(location: &str, from: &str, authority: &str, is_secure: bool) -> Result<String, Fault> {
    let malformed = || Fault::new(ErrorKind::Redirect, "a redirect to something that is not an address");
    let scheme = if is_secure { "https" } else { "http" };
    let here = Url::parse(&format!("{scheme}://{authority}{from}")).map_err(|_| malformed())?;
    let location = location.split('#').next().unwrap_or_default().trim();
    // A browser encodes a space and drops a line break. An application that sends them is broken.
    if location.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
        return Err(malformed());
    }
    let mut next = here.join(location).map_err(|_| malformed())?;
    let has_user = !next.username().is_empty() || next.password().is_some();
    if has_user || next.origin() != here.origin() {
        // A password does not belong in a report. A scheme without a host has no room for one.
        let _ = next.set_username("").and_then(|()| next.set_password(None));
        return Err(Fault::new(ErrorKind::Redirect, format!("a redirect to another place: {next}")));
    }
    Ok(next[Position::BeforePath..Position::AfterQuery].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(location: &str) -> Result<String, ErrorKind> {
        next_path(location, "/a/b?c=d", "app:8081", false).map_err(|fault| fault.kind)
    }

    #[test]
    fn locations_are_resolved() {
        for (location, path) in [
            ("/x?y=1#z", "/x?y=1"),
            ("x", "/a/x"),
            ("../x", "/x"),
            ("../../x/./y", "/x/y"),
            (".", "/a/"),
            ("?q", "/a/b?q"),
            ("", "/a/b?c=d"),
            ("http://app:8081/x", "/x"),
            ("HTTP://APP:8081", "/"),
            ("http://app:8081?q", "/?q"),
            ("//app:8081/x", "/x"),
            ("/login?next=http://other/", "/login?next=http://other/"),
        ] {
            assert_eq!(next(location).as_deref(), Ok(path), "{location}");
        }
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        for location in ["http://app/x", "https://app:8081/x", "//evil/x", "http://app:8081.evil/", "/a b", "/a\r\nb"] {
            assert_eq!(next(location), Err(ErrorKind::Redirect), "{location}");
        }
    }

    #[test]
    fn a_form_becomes_a_get_and_a_307_does_not() {
        assert_eq!(next_method(302, Method::Post), Some(Method::Get));
        assert_eq!(next_method(303, Method::Put), Some(Method::Get));
        assert_eq!(next_method(307, Method::Post), Some(Method::Post));
        assert_eq!(next_method(200, Method::Get), None);
        assert_eq!(next_method(304, Method::Get), None);
    }

    #[test]
    fn dots_queries_and_fragments_are_resolved_as_a_browser_does() {
        for (location, path) in [
            ("../../../../x", "/x"),
            ("..", "/"),
            ("./..", "/"),
            ("/a/../../x/", "/x/"),
            ("/a/%2e%2e/x", "/x"),
            ("x/..?q=../y", "/a/?q=../y"),
            ("?", "/a/b?"),
            ("?a=b&c=#d", "/a/b?a=b&c="),
            ("#there", "/a/b?c=d"),
            ("/x#y z", "/x"),
            ("  /x  ", "/x"),
            ("/ü?ü", "/%C3%BC?%C3%BC"),
            ("/%zz", "/%zz"),
        ] {
            assert_eq!(next(location).as_deref(), Ok(path), "{location}");
        }
    }

    #[test]
    fn the_same_place_is_recognised_however_it_is_written() {
        for (authority, is_secure, location) in [
            ("app", false, "http://app:80/x"),
            ("app:80", false, "http://app/x"),
            ("app", true, "//APP:443/x"),
            ("[::1]:8081", false, "http://[0:0:0:0:0:0:0:1]:8081/x"),
            ("[::1]:8081", false, "//[::1]:8081/x"),
            ("bücher.example:8081", false, "http://xn--bcher-kva.example:8081/x"),
            ("xn--bcher-kva.example", true, "https://BÜCHER.example/x"),
            ("127.0.0.1:8081", false, "http://127.1:8081/x"),
        ] {
            let path = next_path(location, "/a", authority, is_secure).map_err(|fault| fault.kind);
            assert_eq!(path.as_deref(), Ok("/x"), "{location} from {authority}");
        }
    }

    #[test]
    fn other_hosts_and_schemes_are_refused() {
        for location in [
            "//app/x",
            "//evil:8081/x",
            "/\\evil/x",
            "\\\\evil\\x",
            "http://app:8082/x",
            "http://[::1]:8081/x",
            "http://app:8081@evil/",
            "ftp://app:8081/x",
            "mailto:user@app",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "app:8081/x",
            "http://",
            "http://[::1",
            "http://app:99999/",
            "http://xn--a/",
        ] {
            assert_eq!(next(location), Err(ErrorKind::Redirect), "{location}");
        }
        let other = next_path("http://bücher.example/x", "/", "bucher.example", false);
        assert_eq!(other.map_err(|fault| fault.kind), Err(ErrorKind::Redirect));
    }

    #[test]
    fn credentials_are_not_followed_and_not_printed() {
        for location in
            ["http://user:hunter2@app:8081/x", "//user:hunter2@evil/", "ftp://u:hunter2@app/", "//:hunter2@app:8081"]
        {
            let fault = next_path(location, "/", "app:8081", false).unwrap_err();
            assert_eq!(fault.kind, ErrorKind::Redirect, "{location}");
            assert!(!fault.words.contains("hunter2"), "{}", fault.words);
        }
    }
}
