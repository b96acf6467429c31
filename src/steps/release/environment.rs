//! The environment that a release's processes get on top of the original's, as a file of `NAME=VALUE` lines.

use crate::core::Failure;
use crate::core::rollout::{AbsolutePath, Rollout};
use crate::ports::Endpoint;
use crate::steps::site::bridge_environment;
use crate::steps::site::bridge_environment::Bridged;
use crate::steps::site::release_layout as layout;

/// The file's content, for a release in this directory: the real users' keys and session files, and their cookie.
///
/// # Errors
/// As [`bridge_environment::variables`] and [`bridge_environment::text`].
pub fn environment(rollout: &Rollout, directory: &AbsolutePath, endpoint: &Endpoint) -> Result<String, Failure> {
    let bridged = Bridged {
        directory: directory.clone(),
        key_prefix: layout::key_prefix(rollout),
        session_files: layout::session_files(rollout)?,
        // Real users see these answers.
        header: false,
        cookie_name: None,
    };
    bridge_environment::text(&bridge_environment::variables(rollout, &bridged, Some(endpoint))?)
}

#[cfg(test)]
mod tests {
    use super::environment;
    use crate::core::rollout::Rollout;
    use crate::ports::Endpoint;

    #[test]
    fn the_usual_site() {
        let mut rollout: Rollout = serde_yaml::from_str(include_str!("../../../rollout.yaml")).expect("rollout.yaml");
        rollout.staging.copy.environment.insert("CACHE_SIZE".into(), "2".into());
        let releases = "/home/ec2-user/ChatMRPT.releases";
        let directory = format!("{releases}/0123").parse().expect("a path");
        let endpoint = Endpoint { host: "store.example".into(), port: 6379 };
        let expected = format!(
            "CACHE_SIZE=2\n\
             MIGRATE_SESSIONS_KEY_PREFIX=chatmrpt-sessions:live:\n\
             MIGRATE_SESSIONS_METRICS_FILE={releases}/0123/.migrate/metrics.log\n\
             MIGRATE_SESSIONS_METRICS_INTERVAL=5\n\
             MIGRATE_SESSIONS_OLD_DIR={releases}/shared/flask_session\n\
             MIGRATE_SESSIONS_REDIS_PASSWORD_FILE={releases}/0123/.migrate/redis-password\n\
             MIGRATE_SESSIONS_REDIS_URL=rediss://store.example:6379/0\n\
             MIGRATE_SESSIONS_TRIAL_TOKEN_FILE={releases}/0123/.migrate/trial-token\n\
             MIGRATE_SESSIONS_TRIAL_WATCH=CACHE_SIZE\n\
             MIGRATE_SESSIONS_WRITE=both\n"
        );
        assert_eq!(environment(&rollout, &directory, &endpoint).expect("an environment"), expected);
    }
}
