//! The environment that the copy's processes get on top of the original's, as a file of `NAME=VALUE` lines.

use std::collections::BTreeMap;

use crate::core::rollout::Rollout;
use crate::core::{Facts, Failure};
use crate::ports::Endpoint;
use crate::steps::site::bridge_environment;
use crate::steps::site::bridge_environment::Bridged;
use crate::steps::site::copy_layout as layout;

/// The copy's bridge.
fn bridged(rollout: &Rollout) -> Result<Bridged, Failure> {
    Ok(Bridged {
        directory: rollout.staging.copy.directory.clone(),
        key_prefix: layout::key_prefix(rollout),
        // Never the original's: a copy that wrote there would change the sessions of real users.
        session_files: layout::below(rollout, layout::SESSION_FILES)?,
        header: true,
        cookie_name: Some(layout::cookie_name(rollout)),
    })
}

/// The variables, as far as facts tell the endpoint.
///
/// # Errors
/// As [`bridge_environment::variables`].
pub fn known(rollout: &Rollout, facts: &Facts) -> Result<BTreeMap<String, String>, Failure> {
    let endpoint = bridge_environment::known_endpoint(facts)?;
    bridge_environment::variables(rollout, &bridged(rollout)?, endpoint.as_ref())
}

/// The file's content.
///
/// # Errors
/// As [`bridge_environment::variables`] and [`bridge_environment::text`].
pub fn environment(rollout: &Rollout, endpoint: &Endpoint) -> Result<String, Failure> {
    bridge_environment::text(&bridge_environment::variables(rollout, &bridged(rollout)?, Some(endpoint))?)
}

#[cfg(test)]
mod tests {
    use super::environment;
    use crate::core::rollout::{CacheAuth, Rollout, TlsMode};
    use crate::ports::Endpoint;

    fn rollout() -> Rollout {
        serde_yaml::from_str(include_str!("../../../rollout.yaml")).expect("rollout.yaml")
    }

    fn made(rollout: &Rollout, own: &[(&str, &str)]) -> Result<String, crate::core::Failure> {
        let endpoint = Endpoint { host: "store.example".into(), port: 6379 };
        let mut rollout = rollout.clone();
        rollout.staging.copy.environment =
            own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        environment(&rollout, &endpoint)
    }

    #[test]
    fn the_usual_site() {
        let copy = "/home/ec2-user/ChatMRPT-redis-test";
        let expected = format!(
            "MIGRATE_SESSIONS_COOKIE_NAME=chatmrpt_sessions_copy_session\n\
             MIGRATE_SESSIONS_HEADER=yes\n\
             MIGRATE_SESSIONS_KEY_PREFIX=chatmrpt-sessions:copy:\n\
             MIGRATE_SESSIONS_METRICS_FILE={copy}/.migrate/metrics.log\n\
             MIGRATE_SESSIONS_METRICS_INTERVAL=5\n\
             MIGRATE_SESSIONS_OLD_DIR={copy}/flask_session\n\
             MIGRATE_SESSIONS_REDIS_PASSWORD_FILE={copy}/.migrate/redis-password\n\
             MIGRATE_SESSIONS_REDIS_URL=rediss://store.example:6379/0\n\
             MIGRATE_SESSIONS_TRIAL_TOKEN_FILE={copy}/.migrate/trial-token\n\
             MIGRATE_SESSIONS_WRITE=both\n"
        );
        assert_eq!(made(&rollout(), &[]).expect("an environment"), expected);
    }

    #[test]
    fn without_tls_and_without_a_token() {
        let mut rollout = rollout();
        rollout.cache.tls.mode = TlsMode::Off;
        rollout.cache.auth = CacheAuth::None;
        let text = made(&rollout, &[]).expect("an environment");
        assert!(text.contains("REDIS_URL=redis://store.example") && !text.contains("PASSWORD"), "{text}");
        rollout.cache.tls.mode = TlsMode::Required;
        rollout.cache.tls.ca_file = Some("ca.pem".into());
        let text = made(&rollout, &[]).expect("an environment");
        assert!(text.contains("REDIS_CA_FILE=/home/ec2-user/ChatMRPT-redis-test/.migrate/redis-ca.pem\n"), "{text}");
    }

    #[test]
    fn the_operators_own_variables_are_watched() {
        let text = made(&rollout(), &[("CACHE_SIZE", "2"), ("MODE", "a=b c")]).expect("an environment");
        assert!(text.contains("CACHE_SIZE=2\n") && text.contains("MODE=a=b c\n"), "{text}");
        assert!(text.contains("MIGRATE_SESSIONS_TRIAL_WATCH=CACHE_SIZE,MODE\n"), "{text}");
    }

    #[test]
    fn what_cannot_stand_on_a_line_is_refused_and_not_shown() {
        for (name, value) in [("A", "x\ny"), ("A", "x\0"), ("A", "x\r"), ("A B", "x"), ("1A", "x"), ("", "x")] {
            let failure = made(&rollout(), &[(name, value)]).expect_err("refused");
            assert!(failure.hint.is_some() && !failure.message.contains('x'), "{failure}");
        }
        let failure = made(&rollout(), &[("MIGRATE_SESSIONS_WRITE", "redis")]).expect_err("ours");
        assert!(failure.message.contains("is set already"), "{failure}");
    }
}
