//! Where a redirect leads, as far as a user of one application follows.

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

/// The path that a `Location` means, seen from the path it was answered for.
///
/// # Errors
/// When it is on another host or scheme: another application is not measured.
pub(super) fn next_path(location: &str, from: &str, authority: &str, is_secure: bool) -> Result<String, Fault> {
    let location = location.split('#').next().unwrap_or_default().trim();
    let elsewhere = || Fault::new(ErrorKind::Redirect, format!("a redirect to another place: {location}"));
    let scheme = if is_secure { "https" } else { "http" };
    // Only at the start: a query may hold an address too.
    let absolute = location
        .split_once("://")
        .filter(|(theirs, _)| theirs.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))
        .map(|(theirs, rest)| (theirs.eq_ignore_ascii_case(scheme), rest));
    let path = match absolute {
        Some((true, rest)) => own_path(rest, authority).ok_or_else(elsewhere)?,
        Some((false, _)) => return Err(elsewhere()),
        None => match location.strip_prefix("//") {
            Some(rest) => own_path(rest, authority).ok_or_else(elsewhere)?,
            None => relative(location, from),
        },
    };
    if path.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
        return Err(Fault::new(ErrorKind::Redirect, "a redirect to something that is not an address"));
    }
    Ok(path)
}

/// The path of `authority/path`, when the authority is ours.
fn own_path(rest: &str, authority: &str) -> Option<String> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (theirs, path) = rest.split_at(end);
    if !theirs.eq_ignore_ascii_case(authority) {
        return None;
    }
    Some(if path.starts_with('/') { path.to_owned() } else { format!("/{path}") })
}

/// By RFC 3986, section 5.2, for what has no scheme and no authority.
fn relative(location: &str, from: &str) -> String {
    let (base, _) = from.split_once('?').unwrap_or((from, ""));
    if location.is_empty() {
        return from.to_owned();
    }
    if location.starts_with('?') {
        return format!("{base}{location}");
    }
    let (path, query) = match location.find('?') {
        Some(at) => location.split_at(at),
        None => (location, ""),
    };
    let joined = match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("{}/{path}", base.rsplit_once('/').map_or("", |(directory, _)| directory)),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/').skip(1) {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if joined.ends_with("/.") || joined.ends_with("/..") {
        parts.push("");
    }
    format!("/{}{query}", parts.join("/"))
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
}
