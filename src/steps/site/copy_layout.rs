//! Where everything of ours lies in the copy on staging. The one list: what one step writes, others read.

use crate::core::Failure;
use crate::core::rollout::{AbsolutePath, Rollout, VolatilePattern};
use crate::ports::OwnedDirectory;

/// The directory in the copy that holds what is ours and no code of the application; mode 0700.
pub const MARKS: &str = ".migrate";
/// `NAME=VALUE` lines for the copy's processes; mode 0600.
pub const ENVIRONMENT: &str = ".migrate/environment";
/// The store's auth token; mode 0600.
pub const REDIS_PASSWORD: &str = ".migrate/redis-password";
/// The authority that signed the store's certificate.
pub const REDIS_AUTHORITY: &str = ".migrate/redis-ca.pem";
/// What opens the bridge's trial endpoints: 64 hexadecimal digits; mode 0600.
pub const TRIAL_TOKEN: &str = ".migrate/trial-token";
/// Gunicorn's pid file.
pub const PID_FILE: &str = ".migrate/gunicorn.pid";
/// Gunicorn's access log.
pub const ACCESS_LOG: &str = ".migrate/access.log";
/// Gunicorn's error log.
pub const ERROR_LOG: &str = ".migrate/error.log";
/// The bridge's metrics.
pub const METRICS: &str = ".migrate/metrics.log";

/// The directory below `phases/` that holds the bridge. Its files go to the copy's top.
pub const BRIDGE_SOURCE: &str = "session_bridge/";
/// The bridge's Python package, at the copy's top.
pub const BRIDGE_PACKAGE: &str = "migrate_sessions";
/// The bridge's WSGI entry, at the copy's top.
pub const BRIDGE_ENTRY: &str = "migrate_wsgi.py";
/// What Gunicorn is given instead of the application's name.
pub const BRIDGE_APPLICATION: &str = "migrate_wsgi:app";

/// The session files of the copy, at its top.
pub const SESSION_FILES: &str = "flask_session";

/// The copy, and whose it is.
pub fn place(rollout: &Rollout) -> OwnedDirectory {
    OwnedDirectory { directory: rollout.staging.copy.directory.clone(), rollout: rollout.name.clone() }
}

/// One of the paths above, whole.
///
/// # Errors
/// When it is no path; none of the above.
pub fn below(rollout: &Rollout, path: &str) -> Result<AbsolutePath, Failure> {
    as_path(format!("{}/{path}", rollout.staging.copy.directory))
}

/// A path that was put together from parts that are some.
///
/// # Errors
/// When it is none.
pub fn as_path(text: String) -> Result<AbsolutePath, Failure> {
    text.parse::<AbsolutePath>().map_err(|error| Failure::permanent(error.to_string()))
}

/// What we add to the copy: left out when it is compared with the original.
pub fn additions() -> Vec<VolatilePattern> {
    let names = [MARKS, BRIDGE_PACKAGE, BRIDGE_ENTRY];
    names.into_iter().filter_map(|name| VolatilePattern::try_from(name.to_owned()).ok()).collect()
}

/// What every key of the copy in the store begins with.
pub fn key_prefix(rollout: &Rollout) -> String {
    format!("{}:copy:", rollout.name)
}

/// The copy's session cookie: cookies know no ports, and the original's are sent to the copy, too.
pub fn cookie_name(rollout: &Rollout) -> String {
    format!("{}_copy_session", rollout.name.as_str().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::additions;

    #[test]
    fn everything_that_is_added_is_left_out() {
        assert_eq!(additions().len(), 3);
        for path in [super::ENVIRONMENT, super::METRICS, "migrate_sessions/codec/wire.py", super::BRIDGE_ENTRY] {
            assert!(additions().iter().any(|pattern| pattern.covers(path)), "{path}");
        }
    }
}
